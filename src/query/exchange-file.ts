import { createHash } from "node:crypto";
import { GasolineError } from "../model/errors.ts";
import { VERSION } from "../version.ts";
import { createPointTable, createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";
import { scanMetrics } from "../wire/scan-metrics.ts";
import { scanTraces } from "../wire/scan-traces.ts";

/*
 * A file that carries records from one daemon to another. Lines of JSON; what a record is stays OTLP:
 *
 *   {"gasoline_export":1,"version":"0.1.0","scope":{"trace_id":"4bf9…"},"masked":true}
 *   {"signal":"traces","otlp":"CpAB…"}     an OTLP export request as protobuf, base64; as many lines as there are
 *   {"end":{"bodies":1,"sha256":"9f86…"}}  of all lines before it: a file cut short, or changed, is known
 */

export type ExchangeSignal = "traces" | "logs" | "metrics";

/** One OTLP export request (protobuf). */
export interface ExchangeBody {
  readonly signal: ExchangeSignal;
  readonly body: Uint8Array;
}

const FORMAT = 1;
const LINE_HINT = "Write it with `gasoline export`, and copy it whole.";

/** The lines of a file that holds `bodies`, each with its line break. `scope` says what was asked for. */
export async function* writeExchange(
  bodies: AsyncIterable<ExchangeBody>,
  scope: object,
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const told = (line: object): string => {
    const text = `${JSON.stringify(line)}\n`;
    hash.update(text);
    return text;
  };
  yield told({ gasoline_export: FORMAT, version: VERSION, scope, masked: true });
  let count = 0;
  for await (const { signal, body } of bodies) {
    count += 1;
    yield told({ signal, otlp: Buffer.from(body).toString("base64") });
  }
  yield `${JSON.stringify({ end: { bodies: count, sha256: hash.digest("hex") } })}\n`;
}

/**
 * The requests in such a file, once all of it was found good: the hash, and each request by the receiver's own scan.
 * Throws GasolineError `malformed_body` that names the line, so that nothing of a bad file is taken.
 */
export function readExchange(file: Uint8Array): readonly ExchangeBody[] {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength).toString("utf8");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const [head, ...rest] = lines;
  const format = lineOf(head ?? "", 1).gasoline_export;
  if (format !== FORMAT) {
    const found =
      format === undefined ? "no export of gasoline" : `format ${JSON.stringify(format)}; ${FORMAT} is read`;
    throw refusal(1, `is ${found}`, "OTLP itself goes to POST /v1/traces, /v1/logs or /v1/metrics.");
  }
  const end = rest.pop();
  const { end: told } = lineOf(end ?? "", lines.length) as { readonly end?: { readonly sha256?: unknown } };
  if (told === undefined) throw refusal(lines.length, "is not the end of an export: the file is cut short");
  const bytes = end === undefined ? text : text.slice(0, text.lastIndexOf(end));
  if (createHash("sha256").update(bytes).digest("hex") !== told.sha256)
    throw refusal(lines.length, "has another sha256 than the file: it was changed");
  return rest.map((line, index) => bodyOf(line, index + 2));
}

function bodyOf(line: string, number: number): ExchangeBody {
  const { signal, otlp } = lineOf(line, number);
  if (typeof otlp !== "string" || (signal !== "traces" && signal !== "logs" && signal !== "metrics")) {
    throw refusal(number, 'is not {"signal":"traces|logs|metrics","otlp":"base64"}');
  }
  const body = new Uint8Array(Buffer.from(otlp, "base64"));
  try {
    if (signal === "metrics") scanMetrics(body, createPointTable());
    else if (signal === "logs") scanLogs(body, createRecordTable());
    else scanTraces(body, createRecordTable());
  } catch (error) {
    throw refusal(
      number,
      `holds no OTLP ${signal}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return { signal, body };
}

function lineOf(line: string, number: number): { readonly [key: string]: unknown } {
  try {
    const read: unknown = JSON.parse(line);
    if (typeof read === "object" && read !== null) return { ...read };
  } catch {
    // Told below, as is what is JSON and no object.
  }
  throw refusal(number, "is not JSON");
}

function refusal(number: number, problem: string, remedy = LINE_HINT): GasolineError {
  return new GasolineError(
    "malformed_body",
    `Line ${number} of the file ${problem}. Nothing was taken.`,
    remedy,
  );
}
