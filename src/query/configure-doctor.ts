import { GasolineError } from "../model/errors.ts";
import { VERSION } from "../version.ts";
import { ANALYSIS_TYPES } from "./analyze-window.ts";
import { browserChecks } from "./browser-checks.ts";
import type { ConfigureQuestion, Outcome } from "./configure.ts";
import { checkpointsOnFile } from "./configure-baselines.ts";
import { ACTION_NAMES } from "./configure-parameters.ts";
import { INTERACTION_NAMES } from "./interact-parameters.ts";
import { filterSchema, observeSchema } from "./parameters.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import type { Row } from "./shapes.ts";

/** What can be asked, and what there is to ask about. */
export async function describeCapabilities({ store, context }: ConfigureQuestion): Promise<Outcome> {
  const { streams, traces } = store.stats();
  const { services } = await store.names();
  return {
    summary: `gasoline ${VERSION} takes OTLP (HTTP protobuf and JSON, gRPC) at ${context.endpoint}.`,
    rows: [
      { tool: "observe", what: observeSchema.shape.what.options, filters: Object.keys(filterSchema.shape) },
      { tool: "analyze", types: ANALYSIS_TYPES },
      ...(context.formats === undefined ? [] : [{ tool: "generate", formats: context.formats }]),
      { tool: "configure", actions: ACTION_NAMES },
      { tool: "interact", actions: INTERACTION_NAMES, ...browserState(context) },
      {
        held: Object.fromEntries(
          streams.filter(({ records }) => records > 0).map(({ stream, records }) => [stream, records]),
        ),
        traces,
        services: services.slice(0, SERVICES_SHOWN).map((service) => clean(service, SERVICE_CHARS)),
        ...(services.length > SERVICES_SHOWN ? { more_services: services.length - SERVICES_SHOWN } : {}),
      },
      { on_file: onFile(context) },
      {
        page: `${context.endpoint}/traces/<trace id>`,
        live: "/api/stream",
        times: "ISO 8601, Unix ms, -15m, or cursor_since of a reply",
      },
    ],
    next: ['observe {"what":"traces"}', 'observe {"what":"errors"}'],
  };
}

const SERVICES_SHOWN = 8;
const SERVICE_CHARS = 40;

function browserState({ browser }: ConfigureQuestion["context"]): Row {
  if (browser === undefined) return {};
  const { connected, state } = browser.status();
  return connected ? { browser: "paired", tabs: state?.tabs.length ?? 0 } : { browser: "not paired" };
}

/** How many of each kind the state folder holds; of files that cannot be read, that they cannot. */
function onFile({ state }: ConfigureQuestion["context"]): Row {
  const counts = Object.entries({
    checkpoints: () => state.listCheckpoints().length,
    baselines: () => state.readBaselines().length,
    contracts: () => state.readContracts().length,
    edge_cases: () => state.readEdgeCases().length,
    noise_rules: () => state.readNoiseRules().length,
  }).map(([name, countFiled]) => {
    try {
      return [name, countFiled()];
    } catch (error) {
      if (error instanceof GasolineError) return [name, "unreadable: see doctor"];
      throw error;
    }
  });
  return Object.fromEntries(counts);
}

/** What arrived and what became of it, and whether the files can be read. */
export async function lookOver({ store, context }: ConfigureQuestion): Promise<Outcome> {
  const stats = store.stats();
  const rows: Row[] = [];
  const wrong = (check: string, problem: string, remedy: string): void => {
    rows.push({ state: "wrong", check, problem, remedy });
  };
  const note = (check: string, problem: string): void => {
    rows.push({ state: "note", check, problem });
  };
  const seen = stats.streams.filter(({ accepted, stream }) => accepted > 0 && stream !== "pinned");
  if (seen.length === 0) {
    wrong(
      "received",
      "Nothing has been received yet.",
      `Set OTEL_EXPORTER_OTLP_ENDPOINT=${context.endpoint} where the program starts, or run gasoline demo.`,
    );
  }
  for (const { stream, records, accepted, evicted, expired, dropped, oldestNs, newestNs } of seen) {
    rows.push({
      state: "ok",
      check: stream,
      held: records,
      accepted,
      ...(evicted > 0 ? { evicted } : {}),
      ...(expired > 0 ? { expired } : {}),
      ...(oldestNs === null ? {} : { oldest: isoTime(oldestNs) }),
      ...(newestNs === null ? {} : { newest: isoTime(newestNs) }),
    });
    if (dropped > 0)
      wrong(
        stream,
        `${count(dropped, "record")} larger than what can be kept were dropped.`,
        "Send smaller bodies, or start with more --memory.",
      );
  }
  if (stats.pinSkipped > 0)
    note("pinned", `${count(stats.pinSkipped, "failing trace")} were not pinned: their share is full.`);
  if (stats.seriesDropped > 0)
    wrong(
      "metrics",
      `${stats.seriesDropped} metric series were dropped.`,
      "Send fewer attributes on metrics.",
    );
  if (stats.masked > 0) note("masked", `${count(stats.masked, "value")} were masked in replies.`);
  for (const filed of checkpointsOnFile(context.state)) {
    if ("problem" in filed)
      wrong(`checkpoint ${filed.name}`, filed.problem, "Delete it with configure delete_checkpoint.");
  }
  for (const [check, readFile] of Object.entries({
    contracts: context.state.readContracts,
    dependencies: context.state.readDependencies,
    "edge cases": context.state.readEdgeCases,
    "noise rules": context.state.readNoiseRules,
  })) {
    try {
      readFile();
    } catch (error) {
      wrong(check, error instanceof Error ? error.message : String(error), "Mend or delete the file.");
    }
  }
  rows.push(...browserChecks(context.browser));
  const problems = rows.filter(({ state }) => state === "wrong").length;
  return {
    summary:
      problems === 0
        ? `All is well with gasoline ${VERSION}.`
        : `${count(problems, "problem")} with gasoline ${VERSION}.`,
    rows: rows.sort((a, b) => Number(b.state === "wrong") - Number(a.state === "wrong")),
    ...(seen.length === 0 ? {} : { next: ['observe {"what":"errors"}'] }),
  };
}
