import { z } from "zod";
import { CHECKPOINT_VERSION, type CheckpointSummary } from "../correlate/regression-summary.ts";
import { GasolineError } from "../model/errors.ts";
import type { NormalizedEvent } from "../model/event.ts";
import { summarySchema } from "./state-schemas.ts";

/** A checkpoint as its file holds it (target architecture, "Checkpoint Format"), with the summary beside the events. */
export interface Checkpoint {
  readonly name: string;
  /** ISO 8601: when it was saved. */
  readonly timestamp: string;
  /** In order of time. */
  readonly events: readonly NormalizedEvent[];
  readonly metadata: CheckpointMetadata;
  /** What regressions are found by; absent in a file written by hand. */
  readonly summary?: CheckpointSummary;
}

export interface CheckpointMetadata {
  /** Saved to be compared with unless something else is named. */
  readonly baseline?: boolean;
  readonly duration_ms: number;
  /** Unix ms: when the last of its records began; absent in a file of an earlier version. */
  readonly last_record_ms?: number;
  readonly actions_count: number;
  readonly network_requests: number;
  readonly errors: number;
  /** Events of the window, and how many of them were left out of the file for its size. */
  readonly events_total: number;
  readonly events_dropped: number;
  readonly [key: string]: unknown;
}

const eventSchema = z.looseObject({ timestamp: z.number(), message: z.string() });
const fileSchema = z.looseObject({
  name: z.string(),
  timestamp: z.string(),
  events: z.array(eventSchema),
  metadata: z.looseObject({}).optional(),
  summary: z.looseObject({ version: z.unknown() }).optional(),
});

/** Whether a checkpoint was saved with set_baseline. */
export function isBaseline({ metadata }: Checkpoint): boolean {
  return metadata.baseline === true;
}

/** A checkpoint of some events. `events` in any order; counts are of all of them. */
export function makeCheckpoint(
  name: string,
  savedAtMs: number,
  events: readonly NormalizedEvent[],
  summary: CheckpointSummary,
): Checkpoint {
  const sorted = events.toSorted((a, b) => a.timestamp - b.timestamp);
  const last = sorted.at(-1);
  return {
    name,
    timestamp: new Date(savedAtMs).toISOString(),
    events: sorted,
    metadata: {
      duration_ms: Math.max(0, (last?.timestamp ?? 0) - (sorted[0]?.timestamp ?? 0)),
      ...(last === undefined ? {} : { last_record_ms: last.timestamp }),
      actions_count: events.filter(isAction).length,
      network_requests: events.filter(isRequest).length,
      errors: events.filter(isError).length,
      events_total: events.length,
      events_dropped: 0,
    },
    summary,
  };
}

function isAction({ metadata, tags }: NormalizedEvent): boolean {
  return String(metadata.event_name ?? "").startsWith("browser.user_action") || tags.includes("user_action");
}

function isRequest({ metadata, tags }: NormalizedEvent): boolean {
  return metadata.kind === "client" && tags.includes("http");
}

function isError({ level }: NormalizedEvent): boolean {
  return level === "error" || level === "critical";
}

/**
 * The file's text, one event a line, at most `bytesMax` bytes: when events must go, errors stay first and then the
 * earliest, and `metadata.events_dropped` says how many went. Throws `too_large` when the summary alone is larger.
 */
export function serializeCheckpoint(checkpoint: Checkpoint, bytesMax: number): string {
  const { events, metadata, summary, ...head } = checkpoint;
  const lines = events.map((event) => JSON.stringify(event));
  const sizes = lines.map((line) => Buffer.byteLength(line) + ",\n".length);
  const whole = (kept: readonly string[]) => {
    const dropped = metadata.events_dropped + lines.length - kept.length;
    const fields = [
      `"name":${JSON.stringify(head.name)}`,
      `"timestamp":${JSON.stringify(head.timestamp)}`,
      `"events":[\n${kept.join(",\n")}\n]`,
      `"metadata":${JSON.stringify({ ...metadata, events_dropped: dropped })}`,
      ...(summary === undefined ? [] : [`"summary":${JSON.stringify(summary)}`]),
    ];
    return `{${fields.join(",\n")}}\n`;
  };
  const room = bytesMax - Buffer.byteLength(whole([])) - 32;
  if (room < 0) {
    throw new GasolineError(
      "too_large",
      `The summary of checkpoint ${checkpoint.name} alone exceeds ${bytesMax} bytes.`,
      "Save a shorter time, or one service.",
    );
  }
  if (sizes.reduce((sum, size) => sum + size, 0) <= room) return whole(lines);
  return whole(keptWithin(events, sizes, room).map((at) => lines[at]!));
}

/** Positions of the events that fit, ascending. */
function keptWithin(events: readonly NormalizedEvent[], sizes: readonly number[], room: number): number[] {
  const wanted = [...events.keys()].sort(
    (a, b) => Number(isError(events[b]!)) - Number(isError(events[a]!)) || a - b,
  );
  const kept: number[] = [];
  let left = room;
  for (const at of wanted) {
    if (sizes[at]! > left) continue;
    left -= sizes[at]!;
    kept.push(at);
  }
  return kept.sort((a, b) => a - b);
}

/** Reads a checkpoint's JSON. Throws `bad_parameter` that names `path` for another version or a broken file. */
export function readCheckpointFile(json: unknown, path: string): Checkpoint {
  const file = fileSchema.safeParse(json);
  if (!file.success) throw broken(path, file.error);
  const { name, timestamp, events, metadata, summary } = file.data;
  const version = summary?.version;
  if (summary !== undefined && version !== CHECKPOINT_VERSION) {
    throw new GasolineError(
      "bad_parameter",
      `${path} has a summary of version ${JSON.stringify(version)}; version ${CHECKPOINT_VERSION} is read.`,
      `Save it again with configure {"action":"save_checkpoint","name":${JSON.stringify(name)}}.`,
    );
  }
  const parsed = summary === undefined ? undefined : summarySchema.safeParse(summary);
  if (parsed?.success === false) throw broken(path, parsed.error);
  const counts = { duration_ms: 0, actions_count: 0, network_requests: 0, errors: 0 };
  return {
    name,
    timestamp,
    // Checked for what is read of them; the rest is shown as it stands.
    events: events as readonly object[] as readonly NormalizedEvent[],
    metadata: { ...counts, events_total: events.length, events_dropped: 0, ...metadata },
    ...(parsed === undefined ? {} : { summary: parsed.data }),
  };
}

/** The summary of a checkpoint, to compare with; throws `bad_parameter` when the file holds none. */
export function summaryOf(checkpoint: Checkpoint): CheckpointSummary {
  if (checkpoint.summary !== undefined) return checkpoint.summary;
  throw new GasolineError(
    "bad_parameter",
    `Checkpoint ${checkpoint.name} holds events but no summary, so nothing can be compared with it.`,
    `Run its steps again and save it with configure {"action":"save_checkpoint","name":${JSON.stringify(checkpoint.name)}}.`,
  );
}

function broken(path: string, error: z.ZodError): GasolineError {
  const [issue] = error.issues;
  const at = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  return new GasolineError(
    "bad_parameter",
    `${path} is no checkpoint${at}: ${issue?.message ?? "unreadable"}.`,
    "Mend or delete it, and save the checkpoint again.",
  );
}
