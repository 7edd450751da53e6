import { z } from "zod";
import { budgetParameter, readInput } from "../query/read-input.ts";

/** What can be generated, with a few words for lists. A format that does not exist yet is not listed. */
export const FORMATS = {
  test: "a Playwright test of a browser session, a recording or requests",
  har: "the HTTP requests as HAR 1.2",
  pr_summary: "what changed at run time against a baseline, as markdown",
  reproduction: "the fewest requests that lead to an error, as curl commands",
  implementation_plan: "what to change for the root cause, what depends on it, how to verify, as markdown",
  sarif: "distinct errors with their places in the code as SARIF 2.1.0",
} as const;
export type Format = keyof typeof FORMATS;
export const FORMAT_NAMES = Object.keys(FORMATS) as [Format, ...Format[]];

const text = z.string().min(1).max(2_000);
const time = z.union([text, z.number()]);
const BUDGET_BYTES_MAX = 50_000_000;

/** The input of `generate`, as MCP and REST take it. Descriptions are shown to agents and in errors. */
export const generateSchema = z.strictObject({
  format: z.enum(FORMAT_NAMES),
  description: text.optional().describe("title"),
  test_name: text.optional().describe("for test: its name"),
  recording: z
    .union([text, z.record(z.string(), z.unknown())])
    .optional()
    .describe("for test: name of a recording on file, or the flow itself"),
  trace_id: text.optional().describe("trace id, or its first 8 or more hex digits"),
  session_id: text.optional().describe("session.id"),
  service: text.optional().describe("service.name"),
  since: time.optional().describe("ISO 8601, Unix ms or -15m"),
  until: time.optional().describe("ISO 8601, Unix ms or -5m"),
  baseline: text
    .optional()
    .describe("for pr_summary and implementation_plan: a checkpoint's name, or a window '-30m/-15m'"),
  context: z
    .union([z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .optional()
    .describe("the same parameters, or events of a reply, of which the ids are read"),
  budget_bytes: budgetParameter(BUDGET_BYTES_MAX),
});

/** A request that has been checked. */
export interface GenerateRequest extends Omit<z.infer<typeof generateSchema>, "context" | "budget_bytes"> {
  /** Undefined: no budget, everything is written in full. */
  readonly budgetBytes: number | undefined;
}

const EXAMPLE = { format: "har", since: "-15m" };
const CONTEXT_KEYS = ["trace_id", "session_id", "service", "since", "until", "recording"] as const;

/** Reads the input of `generate`. Throws GasolineError `bad_parameter` that says what was expected. */
export function parseGenerate(input: unknown): GenerateRequest {
  const {
    context,
    budget_bytes: budgetBytes,
    ...given
  } = readInput(generateSchema, input, "generate", EXAMPLE);
  const around = context === undefined ? {} : readContext(context, given.format);
  return { ...around, ...given, budgetBytes };
}

/** Parameters from `context`; of pasted events only the trace of the first that has one. */
function readContext(context: Record<string, unknown> | unknown[], format: Format): Partial<GenerateRequest> {
  const events = Array.isArray(context) ? context : Array.isArray(context.events) ? context.events : [];
  const known: Record<string, unknown> = { format };
  if (!Array.isArray(context)) for (const key of CONTEXT_KEYS) known[key] = context[key];
  for (const event of events) {
    const { trace_id } = (typeof event === "object" && event !== null ? event : {}) as {
      readonly trace_id?: unknown;
    };
    if (typeof trace_id !== "string") continue;
    known.trace_id = trace_id;
    break;
  }
  const {
    context: _none,
    budget_bytes: _unset,
    ...read
  } = readInput(generateSchema, known, "generate", EXAMPLE);
  return read;
}
