import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { type NumberedStep, readSteps, STEPS_MAX } from "./interact-steps.ts";
import { budgetParameter, readInput } from "./read-input.ts";

/** What can be done in the paired browser, with a few words for lists. */
export const INTERACTIONS = {
  explore: "run steps; tells what each caused: requests with trace ids, console, errors, page changes",
  record: "what the user does, until stop:true; or the steps given",
  replay: "each step ok, healed or failed",
  page: "elements with selectors",
  screenshot: "into a file; image:true shows it",
  apply_changes: "patch the workspace, if serve --allow-edits",
} as const;
export type Interaction = keyof typeof INTERACTIONS;
export const INTERACTION_NAMES = Object.keys(INTERACTIONS) as [Interaction, ...Interaction[]];

const TIMEOUT_MS_DEFAULT = 10_000;
const TIMEOUT_MS_MAX = 60_000;
const BUDGET_BYTES_MAX = 10_000_000;
const PATCH_CHARS_MAX = 256_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/** The input of `interact`, as MCP and REST take it. Descriptions are shown to agents and in errors. */
export const interactSchema = z.strictObject({
  action: z.enum(INTERACTION_NAMES),
  steps: z
    .array(z.looseObject({ type: z.string() }))
    .optional()
    .describe("go, click, type, select, press, scroll, hover, wait_for, or as Chrome's Recorder"),
  name: z.string().max(200).optional().describe("recording or screenshot"),
  /** The target architecture's word for it. */
  snapshot_name: z.string().max(200).optional().describe("the same as name"),
  stop: z.boolean().optional(),
  keep_going: z.boolean().optional().describe("past a failure"),
  image: z.boolean().optional(),
  accessibility: z.boolean().optional(),
  tab_id: z.number().int().min(0).optional(),
  patch: z.string().max(PATCH_CHARS_MAX).optional().describe("unified diff"),
  timeout_ms: z
    .number()
    .int()
    .min(100)
    .max(TIMEOUT_MS_MAX)
    .optional()
    .describe(`of a step, default ${TIMEOUT_MS_DEFAULT}`),
  budget_bytes: budgetParameter(BUDGET_BYTES_MAX),
});

/** A request that has been checked. */
export interface InteractRequest {
  readonly action: Interaction;
  readonly steps: readonly NumberedStep[];
  /** Names a file: no separators, no dot in front. */
  readonly name: string | undefined;
  readonly stop: boolean;
  readonly keepGoing: boolean;
  readonly image: boolean;
  /** With `page`: what axe-core finds wrong with it. */
  readonly accessibility: boolean;
  readonly tabId: number | undefined;
  readonly patch: string | undefined;
  /** Of one command. */
  readonly timeoutMs: number;
  /** Undefined: no budget, everything is shown in full. */
  readonly budgetBytes: number | undefined;
}

const EXAMPLE = { action: "explore", steps: [{ type: "click", target: "aria/Pay" }] };

/** Reads the input of `interact`. Throws GasolineError `bad_parameter` that says what was expected. */
export function parseInteract(input: unknown): InteractRequest {
  const given = readInput(interactSchema, input, "interact", EXAMPLE);
  return {
    action: given.action,
    steps: readSteps(given.steps ?? [], STEPS_MAX),
    name: fileName(given.name ?? given.snapshot_name),
    stop: given.stop ?? false,
    keepGoing: given.keep_going ?? false,
    image: given.image ?? false,
    accessibility: given.accessibility ?? false,
    tabId: given.tab_id,
    patch: given.patch,
    timeoutMs: given.timeout_ms ?? TIMEOUT_MS_DEFAULT,
    budgetBytes: given.budget_bytes,
  };
}

/** A name as a file may have it; Chrome's own exports are called `NAME.json`, which is taken too. */
function fileName(given: string | undefined): string | undefined {
  const name = given?.replace(/\.json$/, "");
  if (name === undefined || (NAME.test(name) && !name.endsWith("."))) return name;
  throw new GasolineError(
    "bad_parameter",
    `name is ${JSON.stringify(name.slice(0, 120))}; it becomes a file's name.`,
    "Use 1 to 100 letters, digits, _, - and dots, a letter or digit first: checkout_happy_path.",
  );
}
