import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { GasolineError } from "../model/errors.ts";
import type { LogRecord } from "../model/log.ts";
import type { RecordTable } from "../model/scan-table.ts";
import type { Span } from "../model/span.ts";
import { createMasker, type Masker } from "../store/mask.ts";
import { decodeLog } from "../wire/decode-log.ts";
import { decodeResource, decodeScope } from "../wire/decode-resource.ts";
import { decodeSpan } from "../wire/decode-span.ts";
import { logsJsonToProtobuf, tracesJsonToProtobuf } from "../wire/json-to-protobuf.ts";
import { createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";
import { scanTraces } from "../wire/scan-traces.ts";

/** The records of some files, decoded and masked as the store would give them. */
export interface OfflineWindow {
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
  /** Records left out: a bad id, a negative time or another field that OTLP does not allow. */
  readonly rejected: number;
}

/** Names of files looked at inside a folder. */
const TELEMETRY_FILE = /\.(?:json|jsonl|ndjson)(?:\.gz)?$/;
const NEWLINE = 0x0a;
/** What a compressed file may unpack to. */
const UNPACKED_BYTES_MAX = 1 << 30;

const gunzipAsync = promisify(gunzip);

/**
 * Reads traces and logs from OTLP/JSON files without a daemon: one request a line or one to a file, plain or gzip.
 * A folder is read with everything below it (`*.json`, `*.jsonl`, `*.ndjson`, `*.gz` of these), in order of names.
 * Which signal a line holds is seen from the line; metrics and empty files are passed over. Ids and times are exact,
 * secrets are masked.
 *
 * Throws `bad_parameter` for a path that does not exist and `malformed_body` for a line that is no OTLP/JSON, with
 * file and line.
 */
export async function readWindow(paths: readonly string[]): Promise<OfflineWindow> {
  const reader = new OfflineReader();
  for (const path of paths) {
    for (const file of await filesAt(path)) {
      const bytes = await unpack(await readFile(file), file);
      reader.readFile(bytes, file);
    }
  }
  return reader;
}

/** The files of telemetry at a path: itself, or those of a folder in order of names. */
export async function filesAt(path: string): Promise<string[]> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new GasolineError(
      "bad_parameter",
      `Cannot read "${path}" (${code}).`,
      "Give a file or folder of OTLP/JSON lines, such as one written by `gasoline export`.",
    );
  }
  if (!isFolder) return [path];
  const names = await readdir(path, { recursive: true });
  return names
    .filter((name) => TELEMETRY_FILE.test(name))
    .sort()
    .map((name) => join(path, name));
}

async function unpack(bytes: Buffer, file: string): Promise<Buffer> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await gunzipAsync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (error) {
    throw new GasolineError(
      "bad_encoding",
      `"${file}" is not readable as gzip: ${(error as Error).message}.`,
      `Files may unpack to at most ${UNPACKED_BYTES_MAX} bytes; split larger ones.`,
    );
  }
}

class OfflineReader implements OfflineWindow {
  readonly spans: Span[] = [];
  readonly logs: LogRecord[] = [];
  rejected = 0;
  readonly #table: RecordTable = createRecordTable();
  readonly #masker: Masker = createMasker();

  readFile(bytes: Buffer, file: string): void {
    const lines = linesOf(bytes);
    // One document over several lines: no line of it is a request by itself.
    if (lines.length > 1 && isOpenDocument(lines[0]!.bytes)) {
      this.#readRequest(bytes, file, 1);
      return;
    }
    for (const line of lines) this.#readRequest(line.bytes, file, line.number);
  }

  #readRequest(json: Buffer, file: string, line: number): void {
    try {
      this.#readSignals(json);
    } catch (error) {
      if (!(error instanceof GasolineError)) throw error;
      // One bad record must not cost the others: take them one by one, and count those that fail.
      const records = splitRequest(json);
      if (records === undefined || records.length < 2) {
        throw new GasolineError(error.code, `${file}, line ${line}: ${error.problem}`, error.remedy);
      }
      for (const record of records) {
        try {
          this.#readSignals(record);
        } catch (failure) {
          if (!(failure instanceof GasolineError)) throw failure;
          this.rejected += 1;
        }
      }
    }
  }

  /** A line may hold either signal. */
  #readSignals(json: Buffer): void {
    if (json.includes('"resourceSpans"')) this.#readSpans(json);
    if (json.includes('"resourceLogs"')) this.#readLogs(json);
  }

  #readSpans(json: Buffer): void {
    scanTraces(tracesJsonToProtobuf(json), this.#table);
    this.#readRecords("span", (bytes, { resource, scope }) =>
      this.spans.push(decodeSpan(bytes, resource, scope)),
    );
  }

  #readLogs(json: Buffer): void {
    scanLogs(logsJsonToProtobuf(json), this.#table);
    this.#readRecords("log", (bytes, { resource, scope }) =>
      this.logs.push(decodeLog(bytes, resource, scope)),
    );
  }

  #readRecords(kind: "span" | "log", read: (bytes: Uint8Array, group: DecodedGroup) => void): void {
    const table = this.#table;
    this.rejected += table.rejected;
    const groups = table.groups.map(({ resource, scope, resourceSchemaUrl, scopeSchemaUrl }) => {
      this.#masker.maskRecord("resource", resource);
      this.#masker.maskRecord("scope", scope);
      return {
        resource: decodeResource(resource, resourceSchemaUrl),
        scope: decodeScope(scope, scopeSchemaUrl),
      };
    });
    for (let row = 0; row < table.count; row++) {
      const from = table.offset[row]!;
      const bytes = table.body.subarray(from, from + table.length[row]!);
      this.#masker.maskRecord(kind, bytes);
      read(bytes, groups[table.group[row]!]!);
    }
  }
}

/**
 * A request as requests of one record each; undefined when it is not even JSON. Numbers that are not strings lose
 * what a double cannot hold, which only bad requests have to bear.
 */
function splitRequest(json: Buffer): Buffer[] | undefined {
  let request: Partial<Record<string, readonly JsonGroup[]>>;
  try {
    request = JSON.parse(json.toString());
  } catch {
    return undefined;
  }
  const single: Buffer[] = [];
  for (const [groups, scopes, records] of SIGNAL_KEYS) {
    for (const group of asArray(request[groups])) {
      for (const scope of asArray(group[scopes])) {
        for (const record of asArray(scope[records])) {
          const one = { [groups]: [{ ...group, [scopes]: [{ ...scope, [records]: [record] }] }] };
          single.push(Buffer.from(JSON.stringify(one)));
        }
      }
    }
  }
  return single;
}

const SIGNAL_KEYS = [
  ["resourceSpans", "scopeSpans", "spans"],
  ["resourceLogs", "scopeLogs", "logRecords"],
] as const;

type JsonGroup = { readonly [key: string]: readonly JsonGroup[] };

function asArray(value: readonly JsonGroup[] | undefined): readonly JsonGroup[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "object" && item !== null) : [];
}

type DecodedGroup = {
  readonly resource: ReturnType<typeof decodeResource>;
  readonly scope: ReturnType<typeof decodeScope>;
};

/** Lines that hold anything, with their numbers from 1. */
function linesOf(bytes: Buffer): { readonly bytes: Buffer; readonly number: number }[] {
  const lines: { bytes: Buffer; number: number }[] = [];
  let number = 1;
  for (let from = 0; from < bytes.length; number++) {
    const newline = bytes.indexOf(NEWLINE, from);
    const to = newline < 0 ? bytes.length : newline;
    const line = bytes.subarray(from, to);
    if (line.some((byte) => byte > 0x20)) lines.push({ bytes: line, number });
    from = to + 1;
  }
  return lines;
}

/** True for the first line of a document that goes on: an object opened there is not closed there. */
function isOpenDocument(line: Buffer): boolean {
  const text = line.toString("latin1").trim();
  return text.startsWith("{") && !text.endsWith("}");
}
