import { logTimeNs, SEVERITY_ERROR } from "../model/log.ts";
import type { StoredLog, StoredRecord, StoredSpan } from "../store/telemetry-store.ts";
import { requestFacts, textOf } from "./request-facts.ts";
import { type ObservedAnswer, type PlannedStep, pathOf } from "./test-plan.ts";
import type { FlowStep } from "./user-flow.ts";

/** What a session of a browser holds for a test. */
export interface BrowserPlan {
  readonly steps: readonly PlannedStep[];
  readonly origin: string;
  /** Uncaught errors and errors on the console that were recorded. */
  readonly errors: number;
}

/** One recorded action, with what followed it until the next. */
interface Moment {
  readonly atNs: bigint;
  readonly traceId: string;
  readonly step: FlowStep;
  readonly answers: ObservedAnswer[];
  pathAfter: string | undefined;
}

type Read = (log: StoredLog, before: FlowStep | undefined) => FlowStep | undefined;

/** What was done on the page, by the event's name. Semantic conventions and `gasoline.browser.*`. */
const ACTIONS: { readonly [eventName: string]: Read } = {
  "browser.user_action.click": (log) => ({ type: "click", ...elementOf(log) }),
  "gasoline.browser.input": (log) => ({ type: "change", ...elementOf(log), value: valueGiven(log) }),
  "gasoline.browser.key": (log) => ({ type: "keyDown", ...elementOf(log), key: valueGiven(log) || "Enter" }),
  // A form is sent by a click or by Enter, which stand before it; where neither does, it was Enter in a field.
  "gasoline.browser.submit": (log, before) =>
    before?.type === "click" || before?.type === "keyDown"
      ? undefined
      : { ...(before?.type === "change" ? before : elementOf(log)), type: "keyDown", key: "Enter" },
};

/** A page that opens so long after an action was not opened by it. */
const CAUSED_WITHIN_NS = 10_000_000_000n;
const ASSET = /\.(?:m?js|css|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|mp4|webm)$/i;

/**
 * The steps of a recorded session, given all its records by time. The first page is the first step. A request belongs to the action whose trace it is in,
 * else to the last before it; a page to the action that opened it, else it is a step. Undefined without any action.
 */
export function planSession(
  records: readonly StoredRecord[],
  routes: ReadonlyMap<string, string>,
): BrowserPlan | undefined {
  const firstUrl = records.map(pageOf).find((url) => url !== undefined);
  if (firstUrl === undefined) return undefined;
  const moments: Moment[] = [momentOf({ type: "navigate", url: firstUrl }, 0n, "")];
  let errors = 0;
  for (const record of records) {
    if (record.kind === "log") {
      errors += isError(record) ? 1 : 0;
      addLog(moments, record);
    } else if (record.kind === "span") {
      addRequest(moments, record, routes);
    }
  }
  return moments.some(({ step }) => step.type !== "navigate")
    ? { steps: moments, origin: new URL(firstUrl).origin, errors }
    : undefined;
}

function momentOf(step: FlowStep, atNs: bigint, traceId: string): Moment {
  return { atNs, traceId, step, answers: [], pathAfter: undefined };
}

function addLog(moments: Moment[], log: StoredLog): void {
  const last = moments.at(-1)!;
  const atNs = logTimeNs(log);
  const url = log.eventName === "browser.navigation" ? pageOf(log) : undefined;
  if (url !== undefined) {
    if (last.step.type === "navigate" && last.step.url === url) return;
    if (atNs - last.atNs < CAUSED_WITHIN_NS) last.pathAfter = pathOf(url);
    else moments.push(momentOf({ type: "navigate", url }, atNs, log.traceId));
    return;
  }
  const step = Object.hasOwn(ACTIONS, log.eventName) ? ACTIONS[log.eventName]!(log, last.step) : undefined;
  if (step === undefined) return;
  // A field tells its value more than once while it is typed: the last is what counts.
  if (step.type === "change" && last.step.type === "change" && sameElement(step, last.step)) moments.pop();
  moments.push(momentOf(step, atNs, log.traceId));
}

function addRequest(moments: Moment[], span: StoredSpan, routes: ReadonlyMap<string, string>): void {
  const facts = requestFacts(span);
  if (facts === undefined || facts.status === 0 || span.spanKind !== "client") return;
  const path = routes.get(span.spanId) ?? textOf(span.attributes, "url.template") ?? pathOf(facts.url);
  if (ASSET.test(path)) return;
  const owner =
    moments.findLast(({ traceId }) => traceId !== "" && traceId === span.traceId) ?? moments.at(-1)!;
  if (owner.answers.some((one) => one.method === facts.method && one.path === path)) return;
  owner.answers.push({ method: facts.method, path, status: facts.status });
}

function elementOf({ attributes }: StoredLog): { selectors: string[][]; role: string; name: string } {
  return {
    selectors: selectorsOf(textOf(attributes, "gasoline.browser.selectors")),
    role: textOf(attributes, "gasoline.browser.role") ?? "",
    name: textOf(attributes, "gasoline.browser.name") ?? "",
  };
}

/** The attribute is JSON text that came from a page: anything else reads as no selector. */
function selectorsOf(json: string | undefined): string[][] {
  try {
    const read: unknown = JSON.parse(json ?? "[]");
    const lists = Array.isArray(read) ? read.filter((list) => Array.isArray(list)) : [];
    return lists.map((list: unknown[]) => list.filter((part) => typeof part === "string"));
  } catch {
    return [];
  }
}

function valueGiven({ attributes }: StoredLog): string {
  return textOf(attributes, "gasoline.browser.value") ?? "";
}

function sameElement(a: FlowStep & { type: "change" }, b: FlowStep & { type: "change" }): boolean {
  return JSON.stringify([a.selectors, a.role, a.name]) === JSON.stringify([b.selectors, b.role, b.name]);
}

/** The page that a browser's event happened on. */
function pageOf(record: StoredRecord): string | undefined {
  const url = record.kind === "log" ? textOf(record.attributes, "url.full") : undefined;
  return url !== undefined && /^https?:/.test(url) && URL.canParse(url) ? url : undefined;
}

function isError({ eventName, severity }: StoredLog): boolean {
  return eventName === "exception" || (eventName === "browser.console" && severity >= SEVERITY_ERROR);
}
