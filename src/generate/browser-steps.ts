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

type Entry = Extract<FlowStep, { type: "change" }>;
type Key = Extract<FlowStep, { type: "keyDown" }>;
type Read = (log: StoredLog, before: Moment) => FlowStep | undefined;

/** What was done on the page, by the event's name. Semantic conventions and `gasoline.browser.*`. */
const ACTIONS: { readonly [eventName: string]: Read } = {
  // Enter in a form clicks its button, and a label its field: the test's Enter and click do that by themselves.
  "browser.user_action.click": (log, before) =>
    followsFrom(log, before) ? undefined : { type: "click", ...elementOf(log) },
  "gasoline.browser.input": (log) => ({ type: "change", ...elementOf(log), value: valueGiven(log) }),
  "gasoline.browser.key": (log) => ({
    type: "keyDown",
    ...elementOf(log),
    key: textOf(log.attributes, "gasoline.browser.key.name") ?? "Enter",
  }),
  // A form is sent by a click or by Enter, which stand before it; where neither does, it was Enter in a field.
  "gasoline.browser.submit": (log, { step }) =>
    step.type === "click" || step.type === "keyDown"
      ? undefined
      : { ...(step.type === "change" ? step : elementOf(log)), type: "keyDown", key: "Enter" },
};

/** What the browser does by itself after a key or a click comes within this. */
const AT_ONCE_NS = 50_000_000n;
/** Keys that do more than edit the field they are pressed in. */
const ACTING_KEY = /^(?:Enter|Escape|Tab|F\d+|.+\+.+)$/;
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
  const loaded = records.find((record) => loadedUrl(record) !== undefined);
  const firstUrl =
    loaded === undefined ? records.map(pageOf).find((url) => url !== undefined) : loadedUrl(loaded);
  if (firstUrl === undefined) return undefined;
  const moments: Moment[] = [momentOf({ type: "navigate", url: firstUrl }, 0n, "")];
  let errors = 0;
  for (const record of records) {
    const url = loadedUrl(record);
    if (url !== undefined) addPage(moments, url, timeOf(record));
    else if (record.kind === "log") {
      errors += isError(record) ? 1 : 0;
      addAction(moments, record);
    } else if (record.kind === "span") addRequest(moments, record, routes);
  }
  return moments.some(({ step }) => step.type !== "navigate")
    ? { steps: moments, origin: new URL(firstUrl).origin, errors }
    : undefined;
}

function momentOf(step: FlowStep, atNs: bigint, traceId: string): Moment {
  return { atNs, traceId, step, answers: [], pathAfter: undefined };
}

function addPage(moments: Moment[], url: string, atNs: bigint): void {
  const last = moments.at(-1)!;
  if (last.step.type === "navigate" && last.step.url === url) return;
  if (atNs - last.atNs < CAUSED_WITHIN_NS) last.pathAfter = pathOf(url);
  else moments.push(momentOf({ type: "navigate", url }, atNs, ""));
}

function addAction(moments: Moment[], log: StoredLog): void {
  const step = Object.hasOwn(ACTIONS, log.eventName)
    ? ACTIONS[log.eventName]!(log, moments.at(-1)!)
    : undefined;
  if (step === undefined) return;
  const moment = momentOf(step, logTimeNs(log), log.traceId);
  if (step.type !== "change") {
    moments.push(moment);
    return;
  }
  // The key that ends an entry is told before the entry.
  const last = moments.at(-1)!;
  const ends = last.step.type === "keyDown" && ACTING_KEY.test(last.step.key) && followsFrom(log, last);
  if (ends) moments.pop();
  dropEdits(moments, step);
  moments.push(moment, ...(ends ? [last] : []));
}

/** A field tells its value more than once, and keys that only edit it: the last value is what counts. */
function dropEdits(moments: Moment[], entry: Entry): void {
  for (let last = moments.at(-1)!.step; isEdit(last); last = moments.at(-1)!.step) {
    if (!sameElement(entry, last)) return;
    moments.pop();
  }
}

function isEdit(step: FlowStep): step is Entry | Key {
  return step.type === "change" || (step.type === "keyDown" && !ACTING_KEY.test(step.key));
}

/** Whether the browser did this by itself: the click that Enter or a label makes, the entry that a key ends. */
function followsFrom(log: StoredLog, { step, atNs }: Moment): boolean {
  const causes = step.type === "keyDown" || (step.type === "click" && step.role === "label");
  return causes && logTimeNs(log) - atNs < AT_ONCE_NS;
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

/** What was entered. Of text, the extension tells the length alone: as many asterisks, at least the three that mean masked. */
function valueGiven({ attributes }: StoredLog): string {
  const chars = Number(textOf(attributes, "gasoline.browser.input.length") ?? 0);
  return textOf(attributes, "gasoline.browser.value") ?? (chars === 0 ? "" : "*".repeat(Math.max(3, chars)));
}

function sameElement(a: Entry | Key, b: Entry | Key): boolean {
  return JSON.stringify([a.selectors, a.role, a.name]) === JSON.stringify([b.selectors, b.role, b.name]);
}

/** The page that opens here: a load of the tab's own document, or a change of route within it. */
function loadedUrl(record: StoredRecord): string | undefined {
  const opens =
    record.kind === "span"
      ? record.attributes["gasoline.browser.frame"] === "top"
      : record.kind === "log" && record.eventName === "browser.navigation";
  return opens ? pageOf(record) : undefined;
}

function timeOf(record: StoredRecord): bigint {
  return record.kind === "span" ? record.startNs : record.kind === "log" ? logTimeNs(record) : 0n;
}

/** The page that a browser's event happened on; of a load, the page itself. */
function pageOf(record: StoredRecord): string | undefined {
  const isRequest = record.kind === "span" && requestFacts(record) !== undefined;
  const url = record.kind === "metric" || isRequest ? undefined : textOf(record.attributes, "url.full");
  return url !== undefined && /^https?:/.test(url) && URL.canParse(url) ? url : undefined;
}

function isError({ eventName, severity }: StoredLog): boolean {
  return eventName === "exception" || (eventName === "browser.console" && severity >= SEVERITY_ERROR);
}
