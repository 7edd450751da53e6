import { exceptionAttributes } from "./line-exception.ts";
import { severityOfNumber, severityOfWord } from "./line-severity.ts";
import { timeOfField } from "./line-time.ts";
import { NO_IDS, spanIdOf, traceIdOf, traceparentIn } from "./line-trace-ids.ts";
import type { LogToSend } from "./otlp-client.ts";

type Fields = { readonly [key: string]: unknown };

/** What a field of a structured line is. Everything else becomes an attribute under its own name. */
type Role =
  | "message"
  | "time"
  | "level"
  | "traceId"
  | "spanId"
  | "traceFlags"
  | "traceparent"
  | "exception"
  | "exceptionType"
  | "exceptionMessage"
  | "stack"
  | "caller"
  | "source";

/**
 * The dialects, as one table: for each role the names loggers give it, the surest first. Groups of names, in order:
 * pino, bunyan and winston · python-json-logger and structlog · logback (logstash encoder) and log4j2 (ECS, JSON
 * layout) · slog, zap, zerolog · tracing-subscriber · Serilog compact · Datadog · Google, AWS and GELF.
 */
const NAMES: Readonly<Record<Role, readonly string[]>> = {
  message: ["msg", "message", "@m", "event", "@mt", "short_message", "textPayload", "log", "error.message"],
  time: [
    "time",
    "@timestamp",
    "timestamp",
    "ts",
    "@t",
    "asctime",
    "instant",
    "datetime",
    "eventTime",
    "t",
    "dt",
  ],
  level: ["level", "levelname", "severity", "log.level", "@l", "lvl", "loglevel", "log_level", "status"],
  traceId: [
    ...["trace_id", "traceId", "traceid", "TraceId", "trace.id", "otelTraceID", "@tr", "dd.trace_id"],
    ...[
      "logging.googleapis.com/trace",
      "xray_trace_id",
      "xrayTraceId",
      "AWS-XRAY-TRACE-ID",
      "X-B3-TraceId",
      "trace",
    ],
  ],
  spanId: [
    ...["span_id", "spanId", "spanid", "SpanId", "span.id", "otelSpanID", "@sp", "dd.span_id"],
    ...["logging.googleapis.com/spanId", "X-B3-SpanId"],
  ],
  traceFlags: ["trace_flags", "traceFlags", "otelTraceSampled", "logging.googleapis.com/trace_sampled"],
  traceparent: ["traceparent"],
  exception: ["err", "error", "exception", "thrown", "@x", "exc_info"],
  exceptionType: ["error.type", "exception.type", "errorType", "exception_class"],
  exceptionMessage: ["exception.message", "errorMessage"],
  stack: ["stack_trace", "error.stack_trace", "stacktrace", "stack", "errorVerbose", "exception.stacktrace"],
  caller: ["caller"],
  source: ["source"],
};

/** Rank and role by name. A lower rank wins where a line has several of one role. */
const ROLES: ReadonlyMap<string, { readonly role: Role; readonly rank: number }> = new Map(
  Object.entries(NAMES).flatMap(([role, names]) =>
    names.map((name, rank) => [name, { role: role as Role, rank }] as const),
  ),
);

/** Names that mean an attribute of the semantic conventions. */
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  ["pid", "process.pid"],
  ["process", "process.pid"],
  ["process.pid", "process.pid"],
  ["hostname", "host.name"],
  ["thread", "thread.name"],
  ["thread_name", "thread.name"],
  ["threadName", "thread.name"],
  ["process.thread.name", "thread.name"],
  ["filename", "code.file.path"],
  ["pathname", "code.file.path"],
  ["lineno", "code.line.number"],
  ["line_number", "code.line.number"],
  ["funcName", "code.function.name"],
  ["func_name", "code.function.name"],
  ["logger", "logger.name"],
  ["logger_name", "logger.name"],
  ["loggerName", "logger.name"],
  ["log.logger", "logger.name"],
  ["SourceContext", "logger.name"],
  ["target", "logger.name"],
  ["name", "logger.name"],
]);

/** Objects whose fields count as the line's own; under their name with a dot, or without it. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ...["dd", "trace", "span", "log", "ecs"].map((name) => [name, `${name}.`] as const),
  ...["fields", "mdc", "contextMap", "Properties", "extra"].map((name) => [name, ""] as const),
]);

/** Fields that say which logger wrote the line, and nothing about what happened. */
const NOISE: ReadonlySet<string> = new Set(["v", "@version", "level_value", "ecs.version", "@i", "version"]);

/**
 * What the fields of a structured line (JSON, logfmt) say as a log record, or `undefined` when they have neither a
 * message, a level nor an exception: then it is data that someone printed, not a log line.
 */
export function recordOfFields(fields: Fields, nowMs: number): LogToSend | undefined {
  const best: Partial<Record<Role, { rank: number; name: string; value: unknown }>> = {};
  const attributes: Record<string, unknown> = {};
  collect(fields, "", best, attributes);
  if (best.message === undefined && best.level === undefined && best.exception === undefined)
    return undefined;
  if (best.message === undefined && best.time === undefined && best.level === undefined) return undefined;

  const level = levelOf(best.level?.value);
  const ids = idsOf(best);
  addException(best, attributes);
  addCaller(best, attributes);
  const message = best.message?.value ?? attributes["exception.message"] ?? "";
  return {
    time: timeOfField(best.time?.value, nowMs),
    ...level,
    body: typeof message === "string" ? renderTemplate(message, best.message?.name, fields) : message,
    attributes,
    ...ids,
  };
}

type Best = Partial<Record<Role, { rank: number; name: string; value: unknown }>>;

function collect(fields: Fields, prefix: string, best: Best, attributes: Record<string, unknown>): void {
  for (const key in fields) {
    const value = fields[key];
    const name = prefix === "" ? key : prefix + key;
    if (value === null || value === undefined || value === "") continue;
    const group = prefix === "" && typeof value === "object" ? GROUPS.get(key) : undefined;
    if (group !== undefined && !Array.isArray(value)) {
      collect(value as Fields, group, best, attributes);
      continue;
    }
    const known = ROLES.get(name);
    if (known === undefined || !fits(known.role, value)) {
      if (!NOISE.has(name)) attributes[ATTRIBUTES.get(name) ?? name] = value;
      continue;
    }
    const current = best[known.role];
    if (current === undefined || known.rank < current.rank) {
      if (current !== undefined) attributes[current.name] = current.value;
      best[known.role] = { rank: known.rank, name, value };
    } else attributes[name] = value;
  }
}

/** Some names are also used for other things; a value of another shape is an attribute. */
function fits(role: Role, value: unknown): boolean {
  switch (role) {
    case "level":
      return typeof value === "number" ? severityOfNumber(value) > 0 : levelOf(value).severity > 0;
    case "traceId":
      return traceIdOf(value) !== "";
    case "spanId":
      return spanIdOf(value) !== "";
    case "message":
      return typeof value === "string";
    case "caller":
    case "stack":
      return typeof value === "string";
    case "source":
      return typeof value === "object" && value !== null && "file" in value;
    default:
      return true;
  }
}

function levelOf(value: unknown): { severity: number; severityText: string } {
  if (typeof value === "number") return { severity: severityOfNumber(value), severityText: String(value) };
  if (typeof value !== "string") return { severity: 0, severityText: "" };
  return { severity: severityOfWord(value), severityText: value };
}

function idsOf(best: Best): { traceId: string; spanId: string; flags: number } {
  const traceparent = best.traceparent?.value;
  const carried = typeof traceparent === "string" ? traceparentIn(traceparent) : undefined;
  if (carried !== undefined) return carried;
  if (best.traceId === undefined) return NO_IDS;
  const { value } = best.traceId;
  const whole = typeof value === "string" ? traceparentIn(value) : undefined;
  if (whole !== undefined) return whole;
  return {
    traceId: traceIdOf(value),
    spanId: spanIdOf(best.spanId?.value),
    flags: flagsOf(best.traceFlags?.value),
  };
}

function flagsOf(value: unknown): number {
  if (value === true || value === "True" || value === "true") return 1;
  return typeof value === "string" || typeof value === "number" ? Number.parseInt(String(value), 16) || 0 : 0;
}

function addException(best: Best, attributes: Record<string, unknown>): void {
  const { exception, exceptionType, exceptionMessage, stack } = best;
  if (exception !== undefined) Object.assign(attributes, exceptionAttributes(exception.value));
  if (stack !== undefined) Object.assign(attributes, exceptionAttributes(stack.value));
  if (exceptionType !== undefined) attributes["exception.type"] = String(exceptionType.value);
  if (exceptionMessage !== undefined) attributes["exception.message"] = String(exceptionMessage.value);
}

/** zap and zerolog: `"caller":"main.go:12"`; slog: `"source":{"function","file","line"}`. */
function addCaller(best: Best, attributes: Record<string, unknown>): void {
  if (best.source !== undefined) {
    const { function: functionName, file, line } = best.source.value as Fields;
    if (typeof functionName === "string") attributes["code.function.name"] = functionName;
    if (typeof file === "string") attributes["code.file.path"] = file;
    if (typeof line === "number") attributes["code.line.number"] = line;
  }
  if (best.caller === undefined) return;
  const match = /^(.+):(\d+)$/.exec(String(best.caller.value));
  if (match === null) attributes.caller = String(best.caller.value);
  else {
    attributes["code.file.path"] = match[1]!;
    attributes["code.line.number"] = Number(match[2]);
  }
}

/** Serilog writes the template and its values apart: `Paid {Amount}` with `"Amount":7`. */
function renderTemplate(message: string, name: string | undefined, fields: Fields): string {
  if (name !== "@mt") return message;
  return message.replace(/\{[@$]?(\w+)(?:[,:][^}]*)?\}/g, (hole, key: string) => {
    const value = fields[key];
    if (value === undefined) return hole;
    return typeof value === "string" ? value : JSON.stringify(value);
  });
}
