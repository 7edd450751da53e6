import type { Symptom } from "../correlate/causality-scope.ts";
import type { TextBody } from "../http/api-types.ts";
import { GasolineError } from "../model/errors.ts";
import type { AnalysisOptions } from "../query/analyses/question.ts";
import { findingLines } from "../query/analyze.ts";
import { analysisType } from "../query/analyze-parameters.ts";
import { ANALYSIS_TYPES, answerWindow, knownState, type WindowAnalysis } from "../query/analyze-window.ts";
import { readWindow } from "../query/offline.ts";
import { windowsAt } from "../query/offline-windows.ts";
import { openStateFiles } from "../query/state-files.ts";
import {
  type Arguments,
  type Command,
  flagOption,
  listOption,
  type Terminal,
  textOption,
} from "./command.ts";
import { askDaemon, type DaemonPlace, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/**
 * `gasoline analyze TYPE [KEY=VALUE …]`: an analysis of what the daemon holds; with `--window PATH…`, of recorded
 * telemetry, without a daemon. Exit code 1 when `regression` found one.
 */
export const analyze: Command = {
  name: "analyze",
  summary: `find out what telemetry means: ${ANALYSIS_TYPES.join(", ")} (scope as key=value; --window reads OTLP/JSON files)`,
  usage: "TYPE [KEY=VALUE …]",
  options: {
    window: { type: "string", multiple: true },
    baseline: { type: "string", multiple: true },
    trace: { type: "string" },
    symptom: { type: "string" },
    json: { type: "boolean" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const { type, windowPaths, baselinePaths, others } = wordsOf(args);
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    if (windowPaths.length === 0) return analyzeLive(type, baselinePaths, others, args, terminal, place);
    const window = await readWindow(windowPaths);
    const baselines = [];
    for (const files of await windowsAt(baselinePaths)) baselines.push(await readWindow(files));
    const answer = answerWindow(type, {
      window,
      baselines,
      known: knownState(type, openStateFiles(place.stateDir)),
      nowMs: Date.now(),
      ...offlineScope(keyValues(others), args),
    });
    const rejected = window.rejected + baselines.reduce((sum, baseline) => sum + baseline.rejected, 0);
    if (rejected > 0)
      terminal.stderr.write(`gasoline: ${rejected} records could not be read and were left out.\n`);
    terminal.stdout.write(
      flagOption(args, "json") === true
        ? `${JSON.stringify({ type, ...answer }, null, 2)}\n`
        : `${findingLines(answer, answer.findings.length, { compact: false }, 0n).join("\n")}\n`,
    );
    return exitCode(type, answer);
  },
};

async function analyzeLive(
  type: WindowAnalysis,
  baselines: readonly string[],
  others: readonly string[],
  args: Arguments,
  terminal: Terminal,
  place: DaemonPlace,
): Promise<number> {
  const [baseline] = baselines;
  const trace = textOption(args, "trace");
  const symptom = textOption(args, "symptom");
  const input = {
    ...keyValues(others),
    type,
    ...(baseline === undefined ? {} : { baseline }),
    ...(trace === undefined ? {} : { trace_id: trace }),
    ...(symptom === undefined ? {} : { symptom }),
  };
  const url = await requireDaemon(place);
  const json = flagOption(args, "json") === true;
  const answer = await askDaemon(
    url,
    json ? "/api/analyze" : "/api/analyze?format=text",
    place.apiKey,
    input,
  );
  terminal.stdout.write(json ? `${JSON.stringify(answer, null, 2)}\n` : `${(answer as TextBody).text}\n`);
  return exitCode(type, answer as { readonly verdict: string });
}

/** Only a regression fails a script: every other analysis has done its work once it has answered. */
function exitCode(type: WindowAnalysis, { verdict }: { readonly verdict: string }): number {
  return type === "regression" && verdict === "regressed" ? 1 : 0;
}

/** How each key of the scope is understood without a daemon; the same words as with one. */
const OFFLINE_SCOPE: Readonly<Record<string, (value: string) => Partial<AnalysisOptions>>> = {
  trace_id: (value) => ({ traceId: value }),
  session_id: (value) => ({ sessionId: value }),
  service: (value) => ({ service: value }),
  endpoint: (value) => ({ endpoint: value }),
  files: (value) => ({ files: value.split(",") }),
  symptom: (value) => ({ symptom: symptomOf(value) }),
};

function offlineScope(values: Readonly<Record<string, string>>, args: Arguments): Partial<AnalysisOptions> {
  const trace = textOption(args, "trace");
  const symptom = textOption(args, "symptom");
  const given = {
    ...values,
    ...(trace === undefined ? {} : { trace_id: trace }),
    ...(symptom === undefined ? {} : { symptom }),
  };
  const scope: Partial<AnalysisOptions> = {};
  for (const [key, value] of Object.entries(given)) {
    const read = Object.hasOwn(OFFLINE_SCOPE, key) ? OFFLINE_SCOPE[key] : undefined;
    if (read === undefined) {
      throw new GasolineError(
        "bad_parameter",
        `"${key}" means nothing for recorded files.`,
        `Scope them by ${Object.keys(OFFLINE_SCOPE).join(", ")}.`,
      );
    }
    Object.assign(scope, read(value));
  }
  return scope;
}

interface Words {
  readonly type: WindowAnalysis;
  readonly windowPaths: readonly string[];
  readonly baselinePaths: readonly string[];
  /** What follows the type and no flag. */
  readonly others: readonly string[];
}

/** Several paths may follow one flag: a shell expands `--window cases/*` that way. */
function wordsOf(args: Arguments): Words {
  const paths: Record<string, string[]> = {
    window: [...(listOption(args, "window") ?? [])],
    baseline: [...(listOption(args, "baseline") ?? [])],
  };
  const isOffline = paths.window!.length > 0;
  const others: string[] = [];
  let type: string | undefined;
  let last: string | undefined;
  for (const token of args.tokens) {
    if (token.kind === "option") last = token.name;
    if (token.kind !== "positional") continue;
    if (type === undefined) type = token.value;
    else if (isOffline && last !== undefined && Object.hasOwn(paths, last)) paths[last]!.push(token.value);
    else others.push(token.value);
  }
  return { type: analysisType(type), windowPaths: paths.window!, baselinePaths: paths.baseline!, others };
}

function symptomOf(text: string): Symptom {
  return text === "status=error" ? { kind: "error" } : { kind: "text", text };
}
