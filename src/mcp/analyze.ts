import { analyze } from "../query/analyze.ts";
import { analyzeSchema, parseAnalyze } from "../query/analyze-parameters.ts";
import { ANALYSIS_TYPES, WINDOW_ANALYSES } from "../query/analyze-window.ts";
import type { Tool } from "./tool.ts";

const TYPES = ANALYSIS_TYPES.map((type) => `${type} (${WINDOW_ANALYSES[type].about})`).join(", ");

/** `analyze`: what it means. */
export const analyzeTool: Tool = {
  name: "analyze",
  title: "Analyze what was received",
  description: `Says what recorded telemetry means, with the ids of its evidence. Types: ${TYPES}.
Example: {"type":"causality_chain","since":"-15m","symptom":"status=error"}
The scope is a trace_id, a window, a session or a service; without one, all that is held.`,
  schema: analyzeSchema,
  hints: { readOnlyHint: true, idempotentHint: true },
  run: async (input, { store, clock, config, endpoint, analyst, state }) => {
    const query = parseAnalyze(input);
    const budgetBytes = Math.min(query.budgetBytes ?? config.replyBytes, config.replyBytesMax);
    return analyze(store, { ...query, budgetBytes }, { clock, endpoint, analyst, state });
  },
};
