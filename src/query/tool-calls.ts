import { createHash } from "node:crypto";
import { fingerprint } from "../correlate/loop-fingerprint.ts";
import { TOOL_CALL_EVENT, TOOL_CALL_KEYS } from "../correlate/loop-history.ts";
import { SEVERITY_INFO, SEVERITY_WARN } from "../model/log.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import { logsJsonToProtobuf } from "../wire/json-to-protobuf.ts";
import { createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";

/** One call of a tool, as an agent made it. */
export interface ToolCall {
  readonly tool: string;
  readonly input: unknown;
  /** The client's name and version; `""` when it did not say. */
  readonly client: string;
  readonly startedMs: number;
  readonly durationMs: number;
  /** Bytes of the reply. */
  readonly bytes: number;
  /** What was answered, without what it says of itself. */
  readonly result: unknown;
  /** The message it was refused with; absent when it was answered. */
  readonly error?: string;
}

/** Arguments longer than this are kept by their beginning and a digest. */
const ARGUMENTS_CHARS_MAX = 500;
const ERROR_CHARS_MAX = 500;
/** The parameter of each tool that says what is asked of it. */
const MODE_KEYS = ["what", "type", "format", "action"] as const;
/** The scope's name routes the records to the ring of custom events: a busy agent pushes out no program's logs. */
const SCOPE = "gasoline.custom.tool_calls";

/**
 * Keeps what agents ask as `gasoline.tool_call` log records, by the same door as telemetry: scanned, bounded by its
 * ring, masked on the way out. So an agent that runs in circles can be told so (`detect_loop`).
 */
export class ToolCallLog {
  readonly #store: TelemetryStore;
  readonly #table = createRecordTable();

  constructor(store: TelemetryStore) {
    this.#store = store;
  }

  /** A store that has received nothing stays empty: "nothing has been received yet" must remain true. */
  record(call: ToolCall): void {
    if (this.#store.stats().streams.every(({ accepted }) => accepted === 0)) return;
    scanLogs(logsJsonToProtobuf(Buffer.from(JSON.stringify(requestOf(call)))), this.#table);
    this.#store.commitLogs(this.#table);
  }
}

/** The call as an ExportLogsServiceRequest in OTLP/JSON. */
function requestOf(call: ToolCall): object {
  const { tool, input, client, startedMs, error } = call;
  const mode = modeOf(input);
  const outcome = error === undefined ? "ok" : "refused";
  const attributes = {
    [TOOL_CALL_KEYS.name]: mode === "" ? tool : `${tool} ${mode}`,
    [TOOL_CALL_KEYS.mode]: mode,
    [TOOL_CALL_KEYS.arguments]: argumentsText(input),
    [TOOL_CALL_KEYS.result]: error === undefined ? digest(fingerprint(call.result)) : "",
    [TOOL_CALL_KEYS.client]: client,
    [TOOL_CALL_KEYS.error]: error?.slice(0, ERROR_CHARS_MAX) ?? "",
    [TOOL_CALL_KEYS.durationMs]: call.durationMs,
    [TOOL_CALL_KEYS.bytes]: call.bytes,
  };
  const record = {
    timeUnixNano: `${BigInt(Math.round(startedMs)) * 1_000_000n}`,
    severityNumber: error === undefined ? SEVERITY_INFO : SEVERITY_WARN,
    eventName: TOOL_CALL_EVENT,
    body: { stringValue: `${tool} ${mode} ${outcome}` },
    attributes: Object.entries(attributes).flatMap(([key, value]) =>
      value === "" ? [] : [{ key, value: anyValue(value) }],
    ),
  };
  const resource = { attributes: [{ key: "service.name", value: { stringValue: "gasoline" } }] };
  return { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: SCOPE }, logRecords: [record] }] }] };
}

function anyValue(value: string | number): object {
  return typeof value === "number" ? { doubleValue: value } : { stringValue: value };
}

/** What of the tool was asked: `errors` of observe, `compare` of analyze; `""` when that is no short text. */
function modeOf(input: unknown): string {
  const given = (typeof input === "object" && input !== null ? input : {}) as Record<string, unknown>;
  const mode = MODE_KEYS.map((key) => given[key]).find((value) => typeof value === "string");
  return typeof mode === "string" && /^\w{1,40}$/.test(mode) ? mode : "";
}

function argumentsText(input: unknown): string {
  const text = JSON.stringify(input ?? {});
  return text.length <= ARGUMENTS_CHARS_MAX
    ? text
    : JSON.stringify({ starts: text.slice(0, ARGUMENTS_CHARS_MAX), digest: digest(text) });
}

/** 16 letters from g to v for the first 8 bytes of SHA-256: hexadecimal digits would be taken for an id of no meaning. */
function digest(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex").slice(0, 16);
  return [...hex].map((digit) => String.fromCharCode(0x67 + Number.parseInt(digit, 16))).join("");
}
