import { GasolineError } from "../model/errors.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { type ErrorGroup, groupErrors } from "../query/error-groups.ts";
import { SESSION_KEYS } from "../query/filter.ts";
import { count, isoTime } from "../query/render/units.ts";
import type { RecordFilter, StoredSpan, TelemetryStore } from "../store/telemetry-store.ts";
import type { Artifact } from "./generate.ts";
import { plain } from "./markdown.ts";
import { askedTrace, entryOf, type GenerateQuestion, readErrors, readTrace, sessionIs } from "./records.ts";
import { requestFacts, textOf } from "./request-facts.ts";

/** What was done before is looked for this far back, and among so many traces. */
const BEFORE_NS = 1_800_000_000_000n;
const TRACES_MAX = 20;
const SPANS_MAX = 500;
/** Ids of a trace by which its earlier requests are known. */
const IDS_MAX = 5;
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16,64}\b/gi;
/** Requests that change nothing need not be sent again. */
const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const HEADERS_SENT = new Set(["content-type", "accept", "accept-language", "x-requested-with"]);

/**
 * The steps that lead to an error, as markdown with curl commands: the requests of the same session, or about the same
 * id, that changed something before, then the request that failed. Of the trace asked for, else of the newest error.
 */
export async function reproduce(question: GenerateQuestion): Promise<Artifact> {
  const { store, request } = question;
  const traceId = (await askedTrace(question)) ?? (await newestFailure(question));
  const trace = await readTrace(store, traceId);
  const entry = entryOf(trace.spans);
  if (entry === undefined) {
    throw new GasolineError(
      "not_found",
      "The trace holds no HTTP request, so nothing can be sent again.",
      'Name another trace_id; observe {"what":"network_waterfall"} lists requests.',
    );
  }
  const failures = [...trace.spans, ...trace.logs].filter((record) =>
    record.kind === "span" ? record.statusCode === "error" : record.severity >= SEVERITY_ERROR,
  );
  const [error] = groupErrors(failures.reverse());
  const before = await stepsBefore(store, trace.spans, entry);
  const steps = [...before.spans, entry];
  const call = `observe ${JSON.stringify({ what: "trace", filter: { trace_id: traceId } })}`;
  return {
    fileName: "reproduction.md",
    mediaType: "text/markdown",
    about: `${count(steps.length, "request")} to reproduce ${error === undefined ? "a request that did not fail" : "an error"}${before.by === "" ? "" : `; the earlier ones belong to the same ${before.by}`}.`,
    noun: "step",
    rowsMax: steps.length,
    // The request that failed is the last to go.
    write: (rows) =>
      document({
        title: request.description,
        steps: rows === 0 ? [] : steps.slice(-rows),
        left: steps.length - rows,
        entry,
        error,
        traceId,
      }),
    next: [call],
  };
}

async function newestFailure(question: GenerateQuestion): Promise<string> {
  for (const { sample } of await readErrors(question)) if (sample.traceId !== "") return sample.traceId;
  throw new GasolineError(
    "not_found",
    "No error of that scope is held.",
    'Name a trace_id, or widen since; observe {"what":"errors"} lists what failed.',
  );
}

/** Requests before `entry` that changed something, oldest first, and what ties them to it. */
async function stepsBefore(
  store: TelemetryStore,
  spans: readonly StoredSpan[],
  entry: StoredSpan,
): Promise<{ readonly spans: readonly StoredSpan[]; readonly by: "session" | "id" | "" }> {
  const session = spans
    .map(({ attributes }) => textOf(attributes, ...SESSION_KEYS))
    .find((id) => id !== undefined);
  const window: RecordFilter = {
    kinds: ["span"],
    sinceNs: entry.startNs > BEFORE_NS ? entry.startNs - BEFORE_NS : 0n,
    untilNs: entry.startNs,
  };
  const filters: RecordFilter[] =
    session === undefined
      ? idsOf(spans).map((text) => ({ ...window, text }))
      : [{ ...window, attributes: [sessionIs(session)] }];
  const traceIds = new Set<string>();
  for (const filter of filters) {
    const { records } = await store.records({ filter, order: "newest", limit: SPANS_MAX });
    for (const record of records) {
      if (record.kind === "span" && record.traceId !== entry.traceId) traceIds.add(record.traceId);
    }
  }
  const found: StoredSpan[] = [];
  for (const traceId of [...traceIds].slice(0, TRACES_MAX)) {
    const lookup = await store.trace(traceId);
    const first = lookup.found === "yes" ? entryOf(lookup.value.spans) : undefined;
    if (first !== undefined && !SAFE.has(requestFacts(first)?.method ?? "GET")) found.push(first);
  }
  found.sort((a, b) => (a.startNs < b.startNs ? -1 : a.startNs > b.startNs ? 1 : 0));
  return { spans: found, by: found.length === 0 ? "" : session === undefined ? "id" : "session" };
}

/** Ids in the URLs of a trace, the first ones. */
function idsOf(spans: readonly Span[]): string[] {
  const ids = new Set<string>();
  for (const span of spans) {
    const url = requestFacts(span)?.url ?? "";
    for (const [id] of url.matchAll(ID)) if (id !== span.traceId) ids.add(id);
  }
  return [...ids].slice(0, IDS_MAX);
}

interface Content {
  readonly title: string | undefined;
  readonly steps: readonly StoredSpan[];
  /** Earlier steps that did not fit. */
  readonly left: number;
  readonly entry: StoredSpan;
  readonly error: ErrorGroup | undefined;
  readonly traceId: string;
}

function document({ title, steps, left, entry, error, traceId }: Content): string {
  const facts = requestFacts(entry);
  const lines = [`# ${plain(title ?? `Reproduce: ${facts?.method} ${pathOf(facts?.url ?? "")} fails`)}`, ""];
  if (left > 0) lines.push(`(${count(left, "earlier step")} left out.)`, "");
  lines.push(...steps.flatMap((span, i) => stepLines(span, i + 1)));
  lines.push("## Seen", "");
  const status = facts?.status === 0 || facts === undefined ? "no status" : `status ${facts.status}`;
  lines.push(`- ${plain(entry.resource.service)} answered with ${status} at ${isoTime(entry.startNs)}.`);
  if (error !== undefined) {
    const where = error.operations[0] === undefined ? "" : ` in ${plain(error.operations[0])}`;
    const type = error.type === "" ? "" : `${plain(error.type)}: `;
    lines.push(`- It began in ${plain(error.service)}${where}: ${type}${plain(error.message)}`);
    if (error.propagatedTo.length > 0)
      lines.push(`- It failed ${error.propagatedTo.map((name) => plain(name)).join(", ")} too.`);
  }
  lines.push(
    "",
    "## Check",
    "",
    "```sh",
    `gasoline show ${traceId}`,
    "gasoline observe errors since=-1m",
    "```",
  );
  return lines.join("\n");
}

function stepLines(span: StoredSpan, number: number): string[] {
  const facts = requestFacts(span);
  if (facts === undefined) return [];
  const { method, url, requestBody, requestHeaders, status } = facts;
  const parts = [`curl -i -X ${method} ${quoted(url)}`];
  for (const { name, value } of requestHeaders) {
    if (HEADERS_SENT.has(name.toLowerCase())) parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  }
  if (requestBody !== undefined) {
    const isTold = requestHeaders.some(({ name }) => name.toLowerCase() === "content-type");
    if (!isTold && /^\s*[[{]/.test(requestBody)) parts.push("-H 'content-type: application/json'");
    parts.push(`--data-raw ${quoted(requestBody)}`);
  }
  const missing =
    requestBody === undefined && !SAFE.has(method)
      ? ["", "The body was not captured: add it with `--data-raw`."]
      : [];
  const answered = status === 0 ? "" : `, answered ${status}`;
  return [
    `${number}. ${method} ${plain(pathOf(url))} (${plain(span.resource.service)}${answered})`,
    "",
    "```sh",
    parts.join(" \\\n  "),
    "```",
    ...missing,
    "",
  ];
}

function pathOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : parsed.pathname + parsed.search;
}

const BODY_CHARS_MAX = 4_000;

/**
 * Text as one word of a shell: nothing in it is run or expanded, and nothing ends the fence it stands in. Characters
 * that are not seen go.
 */
function quoted(text: string): string {
  const safe = text
    .slice(0, BODY_CHARS_MAX)
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/`{3,}/g, "'''")
    .replace(/<(?=\s*\/?\s*telemetry)/gi, "‹");
  return `'${safe.replaceAll("'", "'\\''")}'`;
}
