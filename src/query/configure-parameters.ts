import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { budgetParameter, readInput } from "./read-input.ts";

/** What can be configured, with a few words for lists. An action that does not exist yet is not listed. */
export const ACTIONS = {
  save_checkpoint: "keep a window (its events, and what to compare with later) on file as name",
  set_baseline: "the same for a fault-free window: later analyses compare with it",
  list_checkpoints: "what is on file",
  delete_checkpoint: "by name",
  clear: "drop what is held of a buffer",
  noise_rule:
    "hide records that match rule from lists, never errors, 401 or 403; state off removes it; no rule lists them",
  redaction_rule: "mask an attribute or a pattern from now on, in what is held too",
  register_edge_case: "what must be tested every so often, by name and rule; neither: file last tests",
  learn_contracts: "propose contracts from traffic, beside those on file",
  streaming: "notifications of new errors over stdio: state on or off, none tells",
  describe_capabilities: "what this server can do",
  doctor: "what arrived, what was lost, which files cannot be read",
} as const;
export type Action = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as [Action, ...Action[]];

const text = z.string().min(1).max(2_000);
const time = z.union([text, z.number()]);
const scopeSchema = z.strictObject({
  service: text.optional().describe("service.name"),
  session_id: text.optional().describe("session.id"),
  trace_id: text.optional().describe("or its first 8 or more hex digits"),
});
const BUDGET_BYTES_MAX = 10_000_000;
const EVENTS_MAX = 1_000;

/** The input of `configure`, as MCP and REST take it. Descriptions are shown to agents and in errors. */
export const configureSchema = z.strictObject({
  action: z.enum(ACTION_NAMES),
  name: text.optional().describe("of the checkpoint, edge case or noise rule"),
  since: time.optional().describe("ISO 8601, Unix ms or -15m"),
  until: time.optional().describe("as since"),
  filter: scopeSchema.optional().describe('whole traces of {"service"}, {"session_id"} or {"trace_id"}'),
  events: z.array(z.unknown()).max(EVENTS_MAX).optional().describe("of a reply, whose traces are kept"),
  buffer: text.optional().describe("for clear: all, logs, network, spans, browser, tests, git, metrics"),
  rule: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      'redaction: {"key":"card"} or {"pattern":"\\\\d{16}"}; edge case: {"match":{"status":"402"},"severity"?,"test_frequency"?}; noise: filters of observe, {"url":"/healthz"}',
    ),
  state: z.enum(["on", "off"]).optional(),
  budget_bytes: budgetParameter(BUDGET_BYTES_MAX),
});

/** A request that has been checked. */
export interface ConfigureRequest extends Omit<z.infer<typeof configureSchema>, "budget_bytes"> {
  /** Undefined: no budget, everything is shown in full. */
  readonly budgetBytes: number | undefined;
}

const EXAMPLE = { action: "save_checkpoint", name: "happy_path", since: "-15m" };

/**
 * Reads the input of `configure`; the keys of `filter` may also stand beside it. Throws GasolineError `bad_parameter`
 * that says what was expected.
 */
export function parseConfigure(input: unknown): ConfigureRequest {
  const { budget_bytes: budgetBytes, ...given } = readInput(
    configureSchema,
    nestFilter(input),
    "configure",
    EXAMPLE,
  );
  return { ...given, budgetBytes };
}

/** A query string and a command line have no objects: `service=cart`. */
function nestFilter(input: unknown): unknown {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return input;
  const keys = Object.keys(scopeSchema.shape);
  const beside = Object.entries(input).filter(([key]) => keys.includes(key));
  if (beside.length === 0) return input;
  if ("filter" in input) {
    throw new GasolineError("bad_parameter", `${beside[0]![0]} stands beside filter.`, "Put it into filter.");
  }
  const rest = Object.entries(input).filter(([key]) => !keys.includes(key));
  return { ...Object.fromEntries(rest), filter: Object.fromEntries(beside) };
}
