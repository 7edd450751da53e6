import { parentPort } from "node:worker_threads";
import { GasolineError } from "../model/errors.ts";
import type { AnalysisOptions } from "./analyses/question.ts";
import type { Reply, Request } from "./analyst.ts";
import { answerWindow } from "./analyze-window.ts";
import { RawWindow } from "./raw-window.ts";

/*
 * The thread that analyses run in: bodies are decoded as they come, so that nothing is left to do but the analysis
 * when the question follows.
 */

/** By number: 0 is the window, the others are its baselines. */
let windows: RawWindow[] = [];

parentPort!.on("message", (request: Request) => {
  try {
    if (request.kind === "body") {
      windows[request.window] ??= new RawWindow();
      windows[request.window]!.add(request.body);
      return;
    }
    parentPort!.postMessage(answer(request.type, request.options, request.baselines));
  } catch (error) {
    const known = error instanceof GasolineError;
    parentPort!.postMessage({
      kind: "error",
      code: known ? error.code : "internal",
      problem: known ? error.problem : `The analysis failed: ${String(error)}.`,
      remedy: known ? error.remedy : "",
    } satisfies Reply);
  }
  if (request.kind === "run") windows = [];
});

function answer(
  type: Extract<Request, { kind: "run" }>["type"],
  options: AnalysisOptions,
  baselines: number,
): Reply {
  const at = (number: number): RawWindow => windows[number] ?? new RawWindow();
  const window = at(0);
  const found = answerWindow(type, {
    ...options,
    window,
    baselines: Array.from({ length: baselines }, (_, i) => at(i + 1)),
  });
  return { kind: "answer", answer: found, spans: window.spans.length, logs: window.logs.length };
}
