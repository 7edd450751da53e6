import { setImmediate as nextTurn } from "node:timers/promises";
import { GasolineError } from "../model/errors.ts";
import type { NormalizedEvent } from "../model/event.ts";
import type { RecordFilter, StoredRecord, TelemetryStore } from "../store/telemetry-store.ts";
import type { AnalysisOptions } from "./analyses/question.ts";
import type { WindowScope } from "./analyze-scope.ts";
import { isBaseline, makeCheckpoint } from "./checkpoint-file.ts";
import type { ConfigureQuestion, Outcome } from "./configure.ts";
import { baselinesOnFile, checkpointsOnFile } from "./configure-baselines.ts";
import { requestedScope } from "./configure-files.ts";
import type { ReducedWindow } from "./configure-tasks.ts";
import { normalize } from "./normalize.ts";
import type { RawBody } from "./raw-window.ts";
import { count } from "./render/units.ts";
import { resolveIds } from "./resolve-ids.ts";
import { checkpointName } from "./state-files.ts";
import { whyNotFound } from "./why-empty.ts";

const CHECKPOINTS_MAX = 100;
/** Events kept in a file; failures come first, then the earliest. */
const EVENTS_MAX = 5_000;
const PAGE = 500;
/** Traces pinned for one checkpoint, the failed ones first: the pinned ring is for all of them. */
const TRACES_PINNED_MAX = 100;

export async function saveCheckpoint(question: ConfigureQuestion): Promise<Outcome> {
  return save(question, false);
}

/** As `saveCheckpoint`, checked against the other baselines: a baseline that holds the fault hides it. */
export async function setBaseline(question: ConfigureQuestion): Promise<Outcome> {
  return save(question, true);
}

async function save(question: ConfigureQuestion, asBaseline: boolean): Promise<Outcome> {
  const { store, context, request } = question;
  const { state, clock, analyst } = context;
  const name = requiredName(question);
  const names = state.listCheckpoints();
  if (!names.includes(name) && names.length >= CHECKPOINTS_MAX) {
    throw new GasolineError(
      "too_large",
      `${CHECKPOINTS_MAX} checkpoints are on file already.`,
      "Delete one with configure delete_checkpoint, or save over one of its name.",
    );
  }
  const { window, options } =
    request.events === undefined ? await windowAsked(question) : await pasted(question);
  const baselines = baselinesOnFile(state, name);
  const { answer } = await analyst.run({
    type: "reduce_window",
    options: { ...options, known: { checkpoints: baselines.map(({ summary }) => summary) } },
    window: window.bodies(),
    baselines: [],
  });
  // The answer of reduce_window, which the analyst knows only as one of an analysis.
  const { reduced, traceIds, failedTraces, warnings } = answer as ReducedWindow;
  const kept = new Set(traceIds);
  const isWhole =
    options.service === undefined && options.sessionId === undefined && options.traceId === undefined;
  const { events, total } = await readEvents(
    store,
    window.filters,
    (record) => record.kind !== "metric" && (record.traceId === "" ? isWhole : kept.has(record.traceId)),
  );
  if (total === 0) {
    throw new GasolineError(
      "not_found",
      "Nothing of that scope is held, so there is nothing to save.",
      'Run the program first, or widen since; observe {"what":"traces"} lists what is held.',
    );
  }
  const made = makeCheckpoint(name, clock.nowMs(), events, reduced);
  const metadata = {
    ...made.metadata,
    events_total: total,
    events_dropped: total - events.length,
    ...(asBaseline ? { baseline: true } : {}),
  };
  const { path, bytes } = state.writeCheckpoint({ ...made, metadata });
  const pinned = await pin(store, traceIds);
  const told = asBaseline ? warnings : [];
  return {
    summary: [
      `Saved ${asBaseline ? "baseline" : "checkpoint"} ${name}: ${count(total, "event")} of ${count(traceIds.length, "trace")}, ${failedTraces} of them failed, ${pinned} pinned.`,
      ...(told.length > 0 ? [`${count(told.length, "warning")}: look before relying on it.`] : []),
    ].join(" "),
    rows: [
      {
        name,
        baseline: asBaseline,
        path,
        bytes,
        events: total,
        traces: traceIds.length,
        failed_traces: failedTraces,
        pinned_traces: pinned,
        ...(window.lost > 0 ? { lost: window.lost } : {}),
        ...(window.cut === undefined ? {} : { window_cut: window.cut }),
      },
      ...told.map((warning) => ({ warning })),
    ],
    next: [`analyze ${JSON.stringify({ type: "regression", baseline: name, since: "-5m" })}`],
  };
}

/** What is reduced and what is read of events. */
interface SavedWindow {
  readonly bodies: () => AsyncIterable<RawBody>;
  readonly filters: readonly RecordFilter[];
  readonly lost: number;
  /** In words, when only the newest were taken. */
  readonly cut?: string;
}

async function windowAsked(
  question: ConfigureQuestion,
): Promise<{ readonly window: SavedWindow; readonly options: AnalysisOptions }> {
  const { scope, window } = await requestedScope(question);
  return { window: savedWindow(window), options: scope.options };
}

function savedWindow({ bodies, filter, lost, cut }: WindowScope): SavedWindow {
  return {
    bodies,
    filters: [filter],
    lost,
    ...(cut === undefined ? {} : { cut: `the newest of ${count(cut.spans, "span")}` }),
  };
}

/** The traces of events that a reply gave: only their ids are read, what is kept comes from the store. */
async function pasted({
  store,
  request,
  context,
}: ConfigureQuestion): Promise<{ readonly window: SavedWindow; readonly options: AnalysisOptions }> {
  const traces = new Set<string>();
  for (const event of request.events ?? []) {
    const { id, trace_id } = (
      typeof event === "object" && event !== null ? event : {}
    ) as Partial<NormalizedEvent>;
    const asked = typeof trace_id === "string" ? { trace_id } : typeof id === "string" ? { id } : undefined;
    if (asked === undefined) continue;
    const ids = await resolveIds(store, asked);
    if (ids.found !== "yes") {
      throw new GasolineError(
        ids.found === "never_seen" ? "not_found" : ids.found,
        whyNotFound(ids),
        "Ask observe again and pass its events.",
      );
    }
    if (ids.traceId !== undefined) traces.add(ids.traceId);
  }
  if (traces.size === 0) {
    throw new GasolineError(
      "bad_parameter",
      "No event names a trace that is held.",
      'Pass events as observe {"what":"timeline"} gives them, or since and until.',
    );
  }
  const filters = [...traces].map((traceId) => ({ traceId }));
  return {
    options: { nowMs: context.clock.nowMs() },
    window: {
      filters,
      lost: 0,
      bodies: async function* () {
        for (const filter of filters) {
          for await (const { signal, body } of store.exportRaw(filter)) {
            // A copy in a buffer of its own, which can be handed to another thread.
            if (signal !== "metrics") yield { signal, bytes: body.slice() };
          }
        }
      },
    },
  };
}

/** The records that belong to it as events: at most `EVENTS_MAX`, and how many there are. */
async function readEvents(
  store: TelemetryStore,
  filters: readonly RecordFilter[],
  belongs: (record: StoredRecord) => boolean,
): Promise<{ readonly events: readonly NormalizedEvent[]; readonly total: number }> {
  const failed: NormalizedEvent[] = [];
  const others: NormalizedEvent[] = [];
  let total = 0;
  for (const asked of filters) {
    const filter: RecordFilter = { ...asked, kinds: ["span", "log"] };
    let after: { readonly after?: Awaited<ReturnType<TelemetryStore["records"]>>["positions"][number] } = {};
    for (;;) {
      const page = await store.records({ filter, order: "oldest", limit: PAGE, ...after });
      for (const record of page.records) {
        if (!belongs(record)) continue;
        total++;
        const list = isFailure(record) ? failed : others;
        if (list.length < EVENTS_MAX) list.push(normalize(record, { compact: false }));
      }
      const last = page.positions.at(-1);
      if (!page.more || last === undefined) break;
      after = { after: last };
      await nextTurn();
    }
  }
  return { events: [...failed, ...others].slice(0, EVENTS_MAX), total };
}

function isFailure(record: StoredRecord): boolean {
  return record.kind === "span"
    ? record.statusCode === "error"
    : record.kind === "log" && record.severity >= 17;
}

async function pin(store: TelemetryStore, traceIds: readonly string[]): Promise<number> {
  let pinned = 0;
  for (const traceId of traceIds.slice(0, TRACES_PINNED_MAX)) {
    if ((await store.pin(traceId)) > 0) pinned++;
  }
  return pinned;
}

/** What is on file, the baselines first. A file that cannot be read is listed with its problem. */
export async function listCheckpoints({ context }: ConfigureQuestion): Promise<Outcome> {
  const rows = checkpointsOnFile(context.state).map((filed) => {
    if ("problem" in filed) return { name: filed.name, baseline: false, problem: filed.problem };
    const { timestamp, metadata, summary } = filed.checkpoint;
    const { behaviour } = summary ?? {};
    return {
      name: filed.name,
      baseline: isBaseline(filed.checkpoint),
      saved: timestamp,
      events: metadata.events_total,
      errors: metadata.errors,
      ...(behaviour === undefined
        ? {}
        : {
            traces: behaviour.traces,
            services: [...new Set(behaviour.operations.map(({ service }) => service))],
          }),
    };
  });
  rows.sort((a, b) => Number(b.baseline) - Number(a.baseline));
  const baselines = rows.filter(({ baseline }) => baseline).length;
  return {
    summary:
      rows.length === 0
        ? "No checkpoints are on file."
        : `${count(rows.length, "checkpoint")} on file, ${baselines} of them baselines.`,
    rows,
    ...(rows.length === 0
      ? { next: ['configure {"action":"set_baseline","name":"usual","since":"-15m"}'] }
      : {}),
  };
}

export async function deleteCheckpoint(question: ConfigureQuestion): Promise<Outcome> {
  const name = requiredName(question);
  question.context.state.deleteCheckpoint(name);
  return { summary: `Deleted checkpoint ${name}.`, rows: [{ name, deleted: true }] };
}

function requiredName({ request: { action, name } }: ConfigureQuestion): string {
  if (name !== undefined) return checkpointName(name);
  throw new GasolineError(
    "bad_parameter",
    `${action} needs a name.`,
    `For example configure ${JSON.stringify({ action, name: "happy_path" })}.`,
  );
}
