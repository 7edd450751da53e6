import { z } from "zod";
import { GasolineError } from "../model/errors.ts";

const selectors = z.array(z.array(z.string().max(2_000)).min(1)).min(1);
const where = { selectors, ...named() };

/** What the recorded element was called, where that is known. */
function named() {
  return { role: z.string().optional(), name: z.string().optional() };
}

/** Chrome DevTools Recorder's file format, as `model/browser.ts` describes it; steps of other kinds are passed over. */
const stepSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("navigate"), url: z.url() }),
  z.object({ type: z.enum(["click", "doubleClick", "hover"]), ...where }),
  z.object({ type: z.literal("change"), ...where, value: z.string() }),
  z.object({ type: z.literal("keyDown"), key: z.string(), selectors: selectors.optional(), ...named() }),
  z.object({ type: z.literal("waitForElement"), ...where, visible: z.boolean().optional() }),
  z.object({ type: z.literal("waitForText"), text: z.string() }),
]);

/** One thing that was done on a page, or seen there. */
export type FlowStep = z.infer<typeof stepSchema>;

export interface Flow {
  readonly title: string;
  readonly steps: readonly FlowStep[];
}

const flowSchema = z.object({ title: z.string(), steps: z.array(z.looseObject({ type: z.string() })) });
const KNOWN = new Set([
  "navigate",
  "click",
  "doubleClick",
  "hover",
  "change",
  "keyDown",
  "waitForElement",
  "waitForText",
]);

/** Reads a recording. `place` names it in the error. Throws `bad_parameter`. */
export function readFlow(json: unknown, place: string): Flow {
  const flow = flowSchema.safeParse(json);
  const steps = z
    .array(stepSchema)
    .safeParse(flow.success ? flow.data.steps.filter(({ type }) => KNOWN.has(type)) : undefined);
  if (flow.success && steps.success && steps.data.length > 0)
    return { title: flow.data.title, steps: steps.data };
  const issue = (flow.error ?? steps.error)?.issues[0];
  const why = issue === undefined ? "it has no step" : `${issue.path.join(".")}: ${issue.message}`;
  throw new GasolineError(
    "bad_parameter",
    `${place} is not a recording: ${why}.`,
    'Expected what Chrome\'s Recorder exports as JSON, {"title":…,"steps":[{"type":"click","selectors":[["#pay"]]}]}.',
  );
}
