import type { LogRecord } from "../model/log.ts";
import { logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import type { Attempt } from "./loop.ts";
import { textOf } from "./operation.ts";
import { testRunOf } from "./test-case.ts";

/** Event name of the log record that is kept of every tool call, and its attributes. */
export const TOOL_CALL_EVENT = "gasoline.tool_call";
export const TOOL_CALL_KEYS = {
  name: "gasoline.tool.name",
  /** Arguments and result as JSON text, or a digest of them. */
  arguments: "gasoline.tool.arguments",
  result: "gasoline.tool.result",
  error: "error.message",
  /** Who called: the client's name and version. */
  client: "gasoline.tool.client",
  /** What of the tool was asked: `errors` of observe, `compare` of analyze. */
  mode: "gasoline.tool.mode",
  durationMs: "gasoline.tool.duration_ms",
  bytes: "gasoline.tool.reply_bytes",
} as const;

/** The attempts of each client that called tools, by its name; test runs belong to all of them. One `""` without any. */
export function attemptsByClient(
  spans: readonly Span[],
  logs: readonly LogRecord[],
): ReadonlyMap<string, readonly Attempt[]> {
  const calls = new Map<string, LogRecord[]>();
  for (const log of logs) {
    if (log.eventName !== TOOL_CALL_EVENT) continue;
    const client = textOf(log.attributes, TOOL_CALL_KEYS.client) ?? "";
    const list = calls.get(client);
    if (list === undefined) calls.set(client, [log]);
    else list.push(log);
  }
  if (calls.size === 0) calls.set("", []);
  return new Map([...calls].map(([client, own]) => [client, attemptsOf(spans, own)]));
}

/**
 * The attempts that records tell of, oldest first: tool calls (`gasoline.tool_call` log events) and test runs (spans
 * with `test.case.name` that ended with pass or fail). Everything else is passed over.
 */
export function attemptsOf(spans: readonly Span[], logs: readonly LogRecord[]): Attempt[] {
  const timed: { readonly timeNs: bigint; readonly attempt: Attempt }[] = [];
  for (const log of logs) {
    const name = textOf(log.attributes, TOOL_CALL_KEYS.name);
    if (log.eventName !== TOOL_CALL_EVENT || name === undefined) continue;
    const error = textOf(log.attributes, TOOL_CALL_KEYS.error, "exception.message");
    timed.push({
      timeNs: logTimeNs(log),
      attempt: {
        action: name,
        input: parsed(log.attributes[TOOL_CALL_KEYS.arguments]),
        result: parsed(log.attributes[TOOL_CALL_KEYS.result]),
        ...(error === undefined ? {} : { error }),
      },
    });
  }
  for (const span of spans) {
    const run = testRunOf(span);
    if (run === undefined || run.result === undefined || run.result === "skip") continue;
    const passed = run.result === "pass";
    const error = passed ? undefined : failureOf(span);
    timed.push({
      timeNs: span.endNs > 0n ? span.endNs : span.startNs,
      attempt: {
        action: `test ${run.id}`,
        test: run.id,
        passed,
        ...(error === undefined ? {} : { error }),
      },
    });
  }
  timed.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
  return timed.map(({ attempt }) => attempt);
}

function failureOf(span: Span): string | undefined {
  const event = span.events.find(({ name }) => name === "exception");
  const message = event === undefined ? undefined : textOf(event.attributes, "exception.message");
  return message ?? (span.statusMessage === "" ? undefined : span.statusMessage);
}

/** Text as the JSON it holds; anything else as it stands. */
function parsed(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    // Cut off or plain text: it is compared as text.
    return value;
  }
}
