import type { Symptom } from "../correlate/causality-scope.ts";
import { GasolineError } from "../model/errors.ts";
import { ANALYSIS_ALIASES, WINDOW_ANALYSES, type WindowAnalysis } from "../query/analyze-window.ts";
import { readWindow } from "../query/offline.ts";
import { windowsAt } from "../query/offline-windows.ts";
import { type Arguments, type Command, flagOption, listOption, textOption } from "./command.ts";

/** `gasoline analyze TYPE --window PATH…`: an analysis of recorded telemetry, without a daemon. */
export const analyze: Command = {
  name: "analyze",
  summary: `analyse OTLP/JSON files: ${Object.keys(WINDOW_ANALYSES).join(", ")}`,
  usage: "TYPE",
  options: {
    window: { type: "string", multiple: true },
    baseline: { type: "string", multiple: true },
    trace: { type: "string" },
    symptom: { type: "string" },
    json: { type: "boolean" },
  },
  run: async (args, terminal) => {
    const { type, windowPaths, baselinePaths } = pathsOf(args);
    if (windowPaths.length === 0) {
      throw new GasolineError(
        "bad_parameter",
        "analyze needs to know what to read.",
        "Give files or folders of OTLP/JSON lines: --window PATH…",
      );
    }
    const window = await readWindow(windowPaths);
    const baselines = [];
    for (const files of await windowsAt(baselinePaths)) baselines.push(await readWindow(files));
    const traceId = textOption(args, "trace");
    const symptom = symptomOf(textOption(args, "symptom"));
    const answer = WINDOW_ANALYSES[type]({
      window,
      baselines,
      ...(traceId === undefined ? {} : { traceId }),
      ...(symptom === undefined ? {} : { symptom }),
    });
    const rejected = window.rejected + baselines.reduce((sum, baseline) => sum + baseline.rejected, 0);
    if (rejected > 0)
      terminal.stderr.write(`gasoline: ${rejected} records could not be read and were left out.\n`);
    terminal.stdout.write(
      flagOption(args, "json") === true ? `${JSON.stringify(answer, null, 2)}\n` : `${answer.verdict}\n`,
    );
    return 0;
  },
};

/** Several paths may follow one flag: a shell expands `--window cases/*` that way. */
function pathsOf(args: Arguments): { type: WindowAnalysis; windowPaths: string[]; baselinePaths: string[] } {
  const paths: Record<string, string[]> = {
    window: [...(listOption(args, "window") ?? [])],
    baseline: [...(listOption(args, "baseline") ?? [])],
  };
  let type: string | undefined;
  let last: string | undefined;
  for (const token of args.tokens) {
    if (token.kind === "option") last = token.name;
    if (token.kind !== "positional") continue;
    if (type === undefined) type = token.value;
    else if (last !== undefined && Object.hasOwn(paths, last)) paths[last]!.push(token.value);
    else
      throw new GasolineError(
        "bad_parameter",
        `"${token.value}" follows neither --window nor --baseline.`,
        "Name the type first, then the paths.",
      );
  }
  return { type: analysisType(type), windowPaths: paths.window!, baselinePaths: paths.baseline! };
}

function analysisType(type: string | undefined): WindowAnalysis {
  const name = type !== undefined && Object.hasOwn(ANALYSIS_ALIASES, type) ? ANALYSIS_ALIASES[type]! : type;
  if (name !== undefined && Object.hasOwn(WINDOW_ANALYSES, name)) return name as WindowAnalysis;
  throw new GasolineError(
    "bad_parameter",
    type === undefined ? "analyze needs a type." : `"${type}" is not an analysis.`,
    `Types: ${Object.keys(WINDOW_ANALYSES).join(", ")}.`,
  );
}

function symptomOf(text: string | undefined): Symptom | undefined {
  if (text === undefined) return undefined;
  return text === "status=error" ? { kind: "error" } : { kind: "text", text };
}
