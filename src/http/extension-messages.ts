import { z } from "zod";
import type { FromExtension } from "../model/browser.ts";

/*
 * What the extension may send. It runs in the user's browser and shows what pages hold, so that its frames are read as
 * those of a stranger: every field has its type, lists have an end, and what is not asked for is dropped.
 */

const text = z.string();
const amount = z.number().min(0);
const texts = z.array(text).max(1_000);

const state = {
  extension_version: text.max(50),
  session_id: text.max(200),
  in_progress: texts,
  tabs: z
    .array(
      z.object({
        id: z.number().int(),
        url: text,
        title: text,
        active: z.boolean(),
        captured: z.boolean(),
      }),
    )
    .max(1_000),
  origins: z
    .array(
      z.object({
        origin: text,
        state: z.enum(["linked", "propagated_unseen", "not_linked"]),
        how: z.enum(["script_header", "network_rule", "none"]),
        reason: text.optional(),
      }),
    )
    .max(1_000),
  delivery: z.object({ sent: amount, queued: amount, dropped: amount }),
  problems: texts,
};

const effect = z.object({
  duration_ms: amount,
  url: text,
  selector: z.array(text).optional(),
  healed: z.boolean().optional(),
  trace_id: text.optional(),
  console: z.array(z.object({ level: text, message: text })).max(10_000),
  requests: z
    .array(
      z.object({
        method: text,
        url: text,
        status: z.number().int(),
        duration_ms: amount,
        trace_id: text.optional(),
      }),
    )
    .max(10_000),
  errors: z.array(text).max(10_000),
  dom: text,
  value: text.optional(),
});

const page = z.object({
  tab_id: z.number().int(),
  url: text,
  title: text,
  lines: z.array(text).max(1_000),
  lines_left_out: amount,
});

/** Steps are kept as they were recorded: whoever replays a flow checks it like one from a file. */
const flow = z.object({ title: text, steps: z.array(z.looseObject({ type: text })).max(1_000) });

const value = z.discriminatedUnion("name", [
  z.object({ name: z.literal("step"), effect }),
  z.object({ name: z.literal("page"), page }),
  z.object({ name: z.literal("screenshot"), mime: z.enum(["image/png", "image/jpeg"]), data: z.base64() }),
  z.object({
    name: z.literal("accessibility"),
    violations: z.array(z.object({ rule: text, impact: text, help: text, selectors: texts })).max(1_000),
  }),
  z.object({ name: z.literal("record_start"), tab_id: z.number().int() }),
  z.object({ name: z.literal("record_stop"), flow }),
]);

const head = { v: z.literal(1), id: text.max(200) };

const messages = z.union([
  z.object({ ...head, type: z.literal("hello"), ...state }),
  z.object({ ...head, type: z.literal("state"), ...state }),
  z.object({ ...head, type: z.literal("result"), ok: z.literal(true), value }),
  z.object({
    ...head,
    type: z.literal("result"),
    ok: z.literal(false),
    error: z.object({ code: text, message: text, remedy: text }),
  }),
  z.object({ ...head, type: z.literal("ping") }),
]);

/** A frame as a message; or, for one that is none, what is wrong with it. */
export type ReadFrame =
  | { readonly message: FromExtension }
  | { readonly problem: string; readonly version?: unknown };

/** Reads one text frame. Never throws. */
export function readFrame(frame: string): ReadFrame {
  let json: unknown;
  try {
    json = JSON.parse(frame);
  } catch {
    return { problem: "it is not JSON" };
  }
  const result = messages.safeParse(json);
  // The schema leaves out undefined fields, which is what the types say; the steps of a flow stay unchecked.
  if (result.success) return { message: result.data as FromExtension };
  const fields = typeof json === "object" && json !== null ? json : {};
  const version = "v" in fields ? fields.v : undefined;
  const type = "type" in fields ? JSON.stringify(fields.type)?.slice(0, 40) : "no type";
  return { problem: `a message of type ${type} has fields of other types`, version };
}
