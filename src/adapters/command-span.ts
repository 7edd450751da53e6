import { randomBytes } from "node:crypto";
import type { HrTime } from "@opentelemetry/api";
import { traceparentIn } from "./line-trace-ids.ts";
import type { SpanToSend } from "./otlp-client.ts";

const NAME_CHARACTERS_MAX = 60;
const STATUS_ERROR = 2;

/** The span a command runs in: a child of the caller's `TRACEPARENT` where there is one, else the root of a trace. */
export interface CommandSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  /** What the command finds in its own `TRACEPARENT`. */
  readonly traceparent: string;
}

/** Opens a span under `parent`, a traceparent or nothing. One that cannot be read starts a new trace. */
export function openCommandSpan(parent: string | undefined): CommandSpan {
  const above = parent === undefined ? undefined : traceparentIn(parent);
  const traceId = above?.traceId ?? randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, parentSpanId: above?.spanId, traceparent: `00-${traceId}-${spanId}-01` };
}

export interface CommandOutcome {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly start: HrTime;
  readonly end: HrTime;
  readonly exitCode: number;
  /** True when the user ended it: no failure then. */
  readonly stopped: boolean;
  /** What it said last when it failed; `""` when nothing. */
  readonly lastComplaint: string;
}

/** The ended span, as it is sent. A failed command is an error with its last complaint. */
export function closeCommandSpan(span: CommandSpan, outcome: CommandOutcome): SpanToSend {
  const failed = outcome.exitCode !== 0 && !outcome.stopped;
  const said = outcome.lastComplaint.slice(0, 300);
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: commandName(outcome.command),
    start: outcome.start,
    end: outcome.end,
    attributes: {
      "process.command_args": [...outcome.command],
      "process.working_directory": outcome.cwd,
      "process.exit.code": outcome.exitCode,
      ...(failed ? { "error.type": `exit code ${outcome.exitCode}` } : {}),
    },
    ...(failed
      ? { status: { code: STATUS_ERROR, message: said === "" ? `exit code ${outcome.exitCode}` : said } }
      : {}),
  };
}

/** The command in a few words, e.g. `npm run build`. */
function commandName(command: readonly string[]): string {
  const words = command.join(" ").replace(/\s+/g, " ");
  return words.length > NAME_CHARACTERS_MAX ? `${words.slice(0, NAME_CHARACTERS_MAX - 1)}…` : words;
}
