import { generate } from "../generate/generate.ts";
import { FORMATS, generateSchema, parseGenerate } from "../generate/parameters.ts";
import type { Tool } from "./tool.ts";

const LIST = Object.entries(FORMATS)
  .map(([format, about]) => `${format} (${about})`)
  .join(", ");

/** `generate`: documents made of what was received. */
export const generateTool: Tool = {
  name: "generate",
  title: "Generate a document",
  description: `Writes a document from recorded telemetry. Formats: ${LIST}.
Example: {"format":"pr_summary","since":"-15m","baseline":"-30m/-15m"}
The scope is a trace_id, a session or a window; reproduction without a trace_id takes the newest error. What did not fit is said in metadata.left_out.`,
  schema: generateSchema,
  hints: { readOnlyHint: true, idempotentHint: true },
  run: async (input, { store, clock, config, endpoint, analyst, state }) => {
    const request = parseGenerate(input);
    const budgetBytes = Math.min(request.budgetBytes ?? config.replyBytes, config.replyBytesMax);
    return generate(store, { ...request, budgetBytes }, { clock, endpoint, analyst, state });
  },
};
