import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { ANALYSIS_ALIASES, ANALYSIS_TYPES, type AnyAnalysis, type WindowAnalysis } from "./analyze-window.ts";
import { budgetParameter, readInput } from "./read-input.ts";

const text = z.string().min(1).max(2_000);
const time = z.union([text, z.number()]);
const BUDGET_BYTES_MAX = 10_000_000;

/** The input of `analyze`, as MCP and REST take it. Descriptions are shown to agents and in errors: keep them short. */
export const analyzeSchema = z.strictObject({
  type: z.enum([...ANALYSIS_TYPES, ...Object.keys(ANALYSIS_ALIASES)]),
  trace_id: text.optional().describe("or its first 8 or more hex digits"),
  span_id: text.optional().describe("span id, or an s… id of a reply"),
  event_id: text.optional().describe("an s… or l… id of a reply"),
  session_id: text.optional().describe("session.id"),
  since: time.optional().describe("ISO 8601, Unix ms or -15m"),
  until: time.optional().describe("as since"),
  baseline: z
    .union([text, z.strictObject({ since: time, until: time })])
    .optional()
    .describe("to compare with: a checkpoint's name, a trace id or a window '-30m/-15m'"),
  symptom: text.optional().describe("text of an error, or status=error"),
  service: text.optional().describe("only traces of this service.name"),
  files: z.array(text).max(100).optional().describe("files to be changed, for impact_analysis"),
  endpoint: text.optional().describe('"POST /orders/{id}", for impact_analysis'),
  attempts: z
    .array(
      z.strictObject({
        action: z.string(),
        input: z.unknown().optional(),
        result: z.unknown().optional(),
        error: z.string().optional(),
        test: z.string().optional(),
        passed: z.boolean().optional(),
      }),
    )
    .max(1_000)
    .optional()
    .describe(
      "for detect_loop, oldest first: {action, input?, result?, error?, test?, passed?}; default: your calls here",
    ),
  question: text.optional().describe("for infer, in words"),
  context: z
    .union([z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .optional()
    .describe("these parameters, or events of a reply"),
  budget_bytes: budgetParameter(BUDGET_BYTES_MAX),
});

/** A question that has been checked. */
export interface AnalyzeQuery
  extends Omit<z.infer<typeof analyzeSchema>, "type" | "context" | "budget_bytes"> {
  readonly type: AnyAnalysis;
  /** Undefined: no budget, everything is shown in full. */
  readonly budgetBytes: number | undefined;
}

const EXAMPLE = { type: "causality_chain", since: "-15m" };

/** Reads the input of `analyze`. Throws GasolineError `bad_parameter` that says what was expected. */
export function parseAnalyze(input: unknown): AnalyzeQuery {
  const {
    type,
    context,
    budget_bytes: budgetBytes,
    ...given
  } = readInput(analyzeSchema, withLists(input), "analyze", EXAMPLE);
  const around = context === undefined ? {} : readContext(context);
  return { ...around, ...given, type: analysisType(type), budgetBytes };
}

/** A query string has no lists: `files=a.ts,b.ts`. */
function withLists(input: unknown): unknown {
  if (typeof input !== "object" || input === null || !("files" in input)) return input;
  const { files } = input;
  return typeof files === "string" && !files.startsWith("[") ? { ...input, files: files.split(",") } : input;
}

/** The analysis that a word names. Throws `bad_parameter`. */
export function analysisType(type: string | undefined): WindowAnalysis {
  const name = type !== undefined && Object.hasOwn(ANALYSIS_ALIASES, type) ? ANALYSIS_ALIASES[type]! : type;
  const known = ANALYSIS_TYPES.find((each) => each === name);
  if (known !== undefined) return known;
  throw new GasolineError(
    "bad_parameter",
    type === undefined ? "analyze needs a type." : `"${type}" is not an analysis.`,
    `Types: ${ANALYSIS_TYPES.join(", ")}.`,
  );
}

const CONTEXT_KEYS = [
  "trace_id",
  "span_id",
  "event_id",
  "session_id",
  "since",
  "until",
  "symptom",
  "service",
] as const;

/** Parameters from `context`; of pasted events only the ids of the first that has one. */
function readContext(context: Record<string, unknown> | unknown[]): Partial<z.infer<typeof analyzeSchema>> {
  const events = Array.isArray(context) ? context : Array.isArray(context.events) ? context.events : [];
  for (const event of events) {
    if (typeof event !== "object" || event === null) continue;
    const { id, trace_id } = event as { readonly id?: unknown; readonly trace_id?: unknown };
    if (typeof trace_id === "string") return { trace_id };
    if (typeof id === "string") return { event_id: id };
  }
  const known: Record<string, unknown> = { type: ANALYSIS_TYPES[0] };
  if (!Array.isArray(context)) for (const key of CONTEXT_KEYS) known[key] = context[key];
  const { type: _type, ...read } = readInput(analyzeSchema, known, "analyze", EXAMPLE);
  return read;
}
