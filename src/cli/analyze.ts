import type { Symptom } from "../correlate/causality-scope.ts";
import type { TextBody } from "../http/api-types.ts";
import { GasolineError } from "../model/errors.ts";
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
 * telemetry, without a daemon. Exit code 1 when it found that something got worse.
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
    if (others[0] !== undefined) {
      throw new GasolineError(
        "bad_parameter",
        `"${others[0]}" follows neither --window nor --baseline.`,
        "Name the type first, then the paths.",
      );
    }
    const window = await readWindow(windowPaths);
    const baselines = [];
    for (const files of await windowsAt(baselinePaths)) baselines.push(await readWindow(files));
    const traceId = textOption(args, "trace");
    const symptom = symptomOf(textOption(args, "symptom"));
    const answer = answerWindow(type, {
      window,
      baselines,
      known: knownState(type, openStateFiles(place.stateDir)),
      nowMs: Date.now(),
      ...(traceId === undefined ? {} : { traceId }),
      ...(symptom === undefined ? {} : { symptom }),
    });
    const rejected = window.rejected + baselines.reduce((sum, baseline) => sum + baseline.rejected, 0);
    if (rejected > 0)
      terminal.stderr.write(`gasoline: ${rejected} records could not be read and were left out.\n`);
    terminal.stdout.write(
      flagOption(args, "json") === true
        ? `${JSON.stringify({ type, ...answer }, null, 2)}\n`
        : `${findingLines(answer, answer.findings.length, { compact: false }, 0n).join("\n")}\n`,
    );
    return exitCode(answer);
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
  return exitCode(answer as { readonly verdict: string });
}

/** Verdicts that should fail a script. */
const BAD = new Set(["regressed", "violated", "failing"]);

function exitCode({ verdict }: { readonly verdict: string }): number {
  return BAD.has(verdict) ? 1 : 0;
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

function symptomOf(text: string | undefined): Symptom | undefined {
  if (text === undefined) return undefined;
  return text === "status=error" ? { kind: "error" } : { kind: "text", text };
}
