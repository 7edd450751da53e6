import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { STREAMS, type Stream } from "../model/stream.ts";
import type { MaskRule } from "../store/telemetry-store.ts";
import type { ConfigureQuestion, Outcome } from "./configure.ts";
import { nearest } from "./did-you-mean.ts";
import { count } from "./render/units.ts";

/** Buffers by the names that callers use; each stream is one by itself too. */
const BUFFERS: Readonly<Record<string, readonly Stream[]>> = {
  all: STREAMS,
  logs: ["browser.logs", "backend.logs"],
  network: ["browser.network"],
  spans: ["backend.spans"],
  browser: ["browser.logs", "browser.network", "browser.dom"],
  backend: ["backend.spans", "backend.logs"],
  ...Object.fromEntries(STREAMS.map((stream) => [stream, [stream]])),
};

/** Drops what a buffer holds, pinned copies too; all when none is named. Throws `bad_parameter` for another name. */
export async function clearBuffer({ store, request }: ConfigureQuestion): Promise<Outcome> {
  const buffer = request.buffer ?? "all";
  const streams = Object.hasOwn(BUFFERS, buffer) ? BUFFERS[buffer] : undefined;
  if (streams === undefined) {
    const near = nearest(buffer, Object.keys(BUFFERS), 1)[0];
    throw new GasolineError(
      "bad_parameter",
      `buffer is ${JSON.stringify(buffer.slice(0, 60))}; expected one of ${Object.keys(BUFFERS).join(", ")}.`,
      near === undefined ? 'For example {"action":"clear","buffer":"logs"}.' : `Did you mean ${near}?`,
    );
  }
  const cleared = await store.clear(streams);
  return {
    summary: `Cleared ${count(cleared, "record")} of ${buffer}. Checkpoints on file stay.`,
    rows: [{ buffer, streams, cleared }],
  };
}

const ruleSchema = z.union([
  z.strictObject({ key: z.string().min(1).max(200) }),
  z.strictObject({ pattern: z.string().min(1).max(500) }),
]);

/** Adds a mask; it covers what is held already. Throws `bad_parameter` for a pattern that is not supported. */
export async function addRedaction({ store, request }: ConfigureQuestion): Promise<Outcome> {
  const parsed = ruleSchema.safeParse(request.rule);
  if (!parsed.success) {
    throw new GasolineError(
      "bad_parameter",
      `rule is ${JSON.stringify(request.rule ?? null).slice(0, 120)}; expected {"key": …} or {"pattern": …}.`,
      'For example {"action":"redaction_rule","rule":{"key":"card_number"}}, or a pattern such as {"pattern":"\\\\d{16}"}.',
    );
  }
  const rule: MaskRule =
    "key" in parsed.data
      ? { kind: "key", key: parsed.data.key }
      : { kind: "value", pattern: parsed.data.pattern };
  store.addMaskRule(rule);
  return {
    summary:
      "The rule masks every reply from now on, what is held already too. It lasts until the server ends; files written before keep what they hold.",
    rows: [parsed.data],
  };
}
