import { setImmediate as nextTurn } from "node:timers/promises";
import type { Symptom } from "../correlate/causality-scope.ts";
import type { Attempt } from "../correlate/loop.ts";
import { GasolineError } from "../model/errors.ts";
import { msToNs } from "../model/time.ts";
import type { RecordFilter, RecordPage, TelemetryStore } from "../store/telemetry-store.ts";
import type { AnalysisOptions } from "./analyses/question.ts";
import type { AnalyzeQuery } from "./analyze-parameters.ts";
import { knownState, readsOf, readsToolCalls, usesBaselines } from "./analyze-window.ts";
import { summaryOf } from "./checkpoint-file.ts";
import { baselinesOnFile, type Baseline as FiledBaseline } from "./configure-baselines.ts";
import { TOOL_CALLS } from "./noise.ts";
import { messageOf } from "./normalize.ts";
import type { RawBody } from "./raw-window.ts";
import { isoTime } from "./render/units.ts";
import { resolveIds } from "./resolve-ids.ts";
import type { ObserveContext } from "./shapes.ts";
import { parseTime } from "./time-expression.ts";
import { whyNotFound } from "./why-empty.ts";

/** Records of each kind that one analysis reads of a window, the newest: more would need more memory than time. */
const RECORDS_MAX = 50_000;
/** How much is read beside one trace when the analysis needs others to compare with. */
const AROUND_NS = 600_000_000_000n;

/** Which records an analysis reads, and what it is asked. */
export interface AnalysisScope {
  readonly options: AnalysisOptions;
  readonly window: WindowScope;
  readonly baselines: readonly WindowScope[];
  /** Names of the checkpoints compared with. */
  readonly checkpoints: readonly string[];
  /** The baseline whose time was left out of the window. */
  readonly afterBaseline?: string;
}

/** The records of one window that the store holds. */
export interface WindowScope {
  readonly filter: RecordFilter;
  readonly horizonNs: bigint | null;
  readonly lost: number;
  /** Set when only the newest were taken: how many there are, and since when they are taken (Unix ns). */
  readonly cut?: { readonly spans: number; readonly sinceNs: bigint };
  readonly bodies: () => AsyncIterable<RawBody>;
}

/**
 * Finds the records that a question is about: the trace, the session's time, the window given, else all that is held;
 * at most the newest 50,000 spans. Throws GasolineError as `resolveIds` and `parseTime` do, and `not_found`, `evicted`
 * or `before_restart` for ids that name nothing.
 */
export async function scopeOf(
  store: TelemetryStore,
  query: AnalyzeQuery,
  context: ObserveContext,
): Promise<AnalysisScope> {
  const { traceId, symptom } = await subjectOf(store, query);
  const { service, session_id: sessionId, files, endpoint, attempts } = query;
  const baseline = await baselineOf(store, query, context);
  const known = {
    ...knownState(query.type, context.state),
    ...(baseline.checkpoints.length === 0
      ? {}
      : { checkpoints: baseline.checkpoints.map(({ summary }) => summary) }),
  };
  const options: AnalysisOptions = {
    ...(traceId === undefined ? {} : { traceId }),
    ...(symptom === undefined ? {} : { symptom }),
    ...(service === undefined ? {} : { service }),
    ...(sessionId === undefined ? {} : { sessionId }),
    ...(files === undefined ? {} : { files }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(attempts === undefined ? {} : { attempts: attempts as readonly Attempt[] }),
    known,
    nowMs: context.clock.nowMs(),
  };
  const asked = await filterOf(store, query, traceId, context);
  const after = traceId === undefined ? await afterBaseline(store, asked, baseline.checkpoints) : undefined;
  const filter = after?.filter ?? asked;
  const not = readsToolCalls(query.type) ? [] : [TOOL_CALLS];
  return {
    options,
    window: await windowOf(store, { ...filter, not }),
    baselines: baseline.filter === undefined ? [] : [await windowOf(store, { ...baseline.filter, not })],
    checkpoints: baseline.checkpoints.map(({ name }) => name),
    ...(after === undefined ? {} : { afterBaseline: after.name }),
  };
}

/**
 * The window without the time that a baseline on file was made of: what is usual is not to be compared with itself.
 * `undefined` when no baseline lies within it, or nothing came after.
 */
async function afterBaseline(
  store: TelemetryStore,
  asked: RecordFilter,
  checkpoints: Baseline["checkpoints"],
): Promise<{ readonly name: string; readonly filter: RecordFilter } | undefined> {
  const { sinceNs = 0n, untilNs } = asked;
  const within = checkpoints
    .map(({ name, lastMs }) => ({ name, endNs: lastMs === undefined ? 0n : msToNs(lastMs + 1) }))
    .filter(({ endNs }) => endNs > sinceNs && (untilNs === undefined || endNs < untilNs))
    .sort((a, b) => Number(b.endNs - a.endNs));
  const [last] = within;
  if (last === undefined) return undefined;
  const filter: RecordFilter = { ...asked, sinceNs: last.endNs };
  const { total } = await store.records({
    filter: { ...filter, kinds: ["span"] },
    order: "newest",
    limit: 1,
  });
  return total === 0 ? undefined : { name: last.name, filter };
}

interface Subject {
  readonly traceId: string | undefined;
  readonly symptom: Symptom | undefined;
}

/** What is to be explained: the trace that ids name, a text, or failures. */
async function subjectOf(store: TelemetryStore, query: AnalyzeQuery): Promise<Subject> {
  const { trace_id, span_id, event_id, symptom } = query;
  const ids = await resolveIds(store, {
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(span_id === undefined ? {} : { span_id }),
    ...(event_id === undefined ? {} : { id: event_id }),
  });
  if (ids.found !== "yes") {
    throw new GasolineError(
      ids.found === "never_seen" ? "not_found" : ids.found,
      whyNotFound(ids),
      'Call observe {"what":"traces"} for those that are held.',
    );
  }
  const traceId = ids.traceId ?? (await traceOfSpan(store, ids.spanId));
  const shown: Symptom | undefined =
    symptom === "status=error"
      ? { kind: "error" }
      : symptom === undefined
        ? undefined
        : { kind: "text", text: symptom };
  if (traceId === undefined && ids.record !== undefined) {
    return { traceId, symptom: shown ?? { kind: "text", text: messageOf(ids.record) } };
  }
  if (traceId === undefined || ids.spanId === undefined) return { traceId, symptom: shown };
  return { traceId, symptom: shown ?? { kind: "trace", traceId, spanId: ids.spanId } };
}

async function traceOfSpan(store: TelemetryStore, spanId: string | undefined): Promise<string | undefined> {
  if (spanId === undefined) return undefined;
  const page = await store.records({ filter: { kinds: ["span"], spanId }, order: "newest", limit: 1 });
  const record = page.records[0];
  if (record?.kind === "span") return record.traceId;
  throw new GasolineError(
    "not_found",
    `No span ${spanId} is held.`,
    'Call observe {"what":"traces"} for the traces that are.',
  );
}

async function filterOf(
  store: TelemetryStore,
  query: AnalyzeQuery,
  traceId: string | undefined,
  { clock }: ObserveContext,
): Promise<RecordFilter> {
  const { since, until, type, session_id } = query;
  const sinceNs = since === undefined ? undefined : parseTime(since, "since", clock);
  const untilNs = until === undefined ? undefined : parseTime(until, "until", clock);
  if (sinceNs !== undefined && untilNs !== undefined && sinceNs >= untilNs) {
    throw new GasolineError(
      "bad_parameter",
      `since (${isoTime(sinceNs)}) is not before until (${isoTime(untilNs)}).`,
      "Give the earlier time as since.",
    );
  }
  const given = {
    ...(sinceNs === undefined ? {} : { sinceNs }),
    ...(untilNs === undefined ? {} : { untilNs }),
  };
  if (since !== undefined || until !== undefined) return given;
  if (traceId !== undefined) {
    if (readsOf(type) === "trace") return { traceId };
    return around(store, { traceId }, AROUND_NS);
  }
  if (session_id === undefined) return {};
  return around(
    store,
    { attributes: [{ keys: ["session.id"], match: { op: "equals", value: session_id } }] },
    AROUND_NS / 10n,
  );
}

/** The time of what passes `filter`, with so much before and after it. */
async function around(store: TelemetryStore, filter: RecordFilter, apartNs: bigint): Promise<RecordFilter> {
  const { traces } = await store.traces({ filter, limit: 1_000 });
  const [trace] = traces;
  if (trace === undefined) return filter;
  let { startNs, endNs } = trace;
  for (const each of traces) {
    if (each.startNs < startNs) startNs = each.startNs;
    if (each.endNs > endNs) endNs = each.endNs;
  }
  return { sinceNs: startNs > apartNs ? startNs - apartNs : 0n, untilNs: endNs + apartNs };
}

interface Baseline {
  readonly filter?: RecordFilter;
  readonly checkpoints: readonly FiledBaseline[];
}

/**
 * A window, a trace, or else a checkpoint by its name; without any, the baselines on file where the analysis compares
 * with them. Throws `not_found` with the nearest names.
 */
async function baselineOf(
  store: TelemetryStore,
  { baseline, type }: AnalyzeQuery,
  { clock, state }: ObserveContext,
): Promise<Baseline> {
  if (baseline === undefined) {
    return { checkpoints: usesBaselines(type) ? baselinesOnFile(state) : [] };
  }
  const [since, until] =
    typeof baseline === "string" ? baseline.split("/", 2) : [baseline.since, baseline.until];
  if (since !== undefined && until !== undefined) {
    return {
      checkpoints: [],
      filter: {
        sinceNs: parseTime(since, "baseline.since", clock),
        untilNs: parseTime(until, "baseline.until", clock),
      },
    };
  }
  if (typeof since === "string" && /^[0-9a-f]{8,32}$/i.test(since)) {
    const { traceId } = await subjectOf(store, { type: "compare", trace_id: since, budgetBytes: undefined });
    return { checkpoints: [], ...(traceId === undefined ? {} : { filter: { traceId } }) };
  }
  const name = String(since);
  return { checkpoints: [{ name, summary: summaryOf(state.readCheckpoint(name)) }] };
}

async function windowOf(store: TelemetryStore, filter: RecordFilter): Promise<WindowScope> {
  const spans = await newestOf(store, { ...filter, kinds: ["span"] });
  const logs = await newestOf(store, { ...filter, kinds: ["log"] });
  return {
    filter,
    horizonNs: spans.page.horizonNs,
    lost: spans.page.lost,
    ...(spans.sinceNs === undefined ? {} : { cut: { spans: spans.page.total, sinceNs: spans.sinceNs } }),
    bodies: async function* () {
      for (const each of [spans.filter, logs.filter]) {
        for await (const { signal, body } of store.exportRaw(each)) {
          // A copy in a buffer of its own, which can be handed to another thread.
          if (signal !== "metrics") yield { signal, bytes: body.slice() };
          // Handing it over takes its time too: what was received meanwhile comes first.
          await nextTurn();
        }
      }
    },
  };
}

/** Halvings of the time looked at: 2^30 s is longer than anything is held. */
const STEPS_MAX = 40;
/** Share of the bound that is near enough. */
const NEAR_ENOUGH = 0.8;

interface Newest {
  readonly page: RecordPage;
  readonly filter: RecordFilter;
  /** Set when there are more than are read. */
  readonly sinceNs?: bigint;
}

/** The newest records, at most `RECORDS_MAX`: their beginning is found by counting, which costs no memory. */
async function newestOf(store: TelemetryStore, filter: RecordFilter): Promise<Newest> {
  const count = (sinceNs: bigint | undefined): Promise<RecordPage> =>
    store.records({
      filter: { ...filter, ...(sinceNs === undefined ? {} : { sinceNs }) },
      order: "newest",
      limit: 1,
    });
  const page = await count(filter.sinceNs);
  if (page.total <= RECORDS_MAX) return { page, filter };
  let tooMany = filter.sinceNs ?? page.horizonNs ?? 0n;
  let few = page.positions[0]!.timeNs + 1n;
  for (let step = 0; step < STEPS_MAX && few - tooMany > 1n; step++) {
    const middle = (tooMany + few) / 2n;
    const { total } = await count(middle);
    if (total > RECORDS_MAX) tooMany = middle;
    else {
      few = middle;
      if (total >= NEAR_ENOUGH * RECORDS_MAX) break;
    }
  }
  return { page, filter: { ...filter, sinceNs: few }, sinceNs: few };
}
