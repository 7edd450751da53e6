import { GasolineError } from "../model/errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { JsonReader } from "./json-reader.ts";
import { SPAN_ID_BYTES, TRACE_ID_BYTES } from "./scan-words.ts";

/** Base64 of 8 bytes, of 16 bytes or 16 hex digits, and of 32 hex digits. */
const BASE64_LENGTHS: ReadonlySet<number> = new Set([12, 24, 44]);
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const NOT_HEX = 0xff;

/** Value of a hex digit by its ASCII code, either case; NOT_HEX for other bytes. */
const HEX_VALUES: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const digit = "0123456789abcdef".indexOf(String.fromCharCode(code).toLowerCase());
  return digit < 0 ? NOT_HEX : digit;
});

/**
 * Writes the id that the reader read last as length and bytes; returns whether it is empty. OTLP/JSON ids are hex in
 * either case. Base64 throws `malformed_body`, since then all ids of that exporter are. Anything else that is not
 * hex is written as its own text, at a length that no id has: the scan then rejects that record alone.
 */
export function writeJsonId(reader: JsonReader, name: string, out: ByteWriter): boolean {
  const { bytes, stringAt, stringEnd } = reader;
  const length = stringEnd - stringAt;
  if (length % 2 === 0 && !reader.escaped && isHex(bytes, stringAt, stringEnd)) {
    out.varint(length / 2);
    out.reserve(length / 2);
    for (let p = stringAt; p < stringEnd; p += 2) {
      out.bytes[out.length++] = (HEX_VALUES[bytes[p]!]! << 4) | HEX_VALUES[bytes[p + 1]!]!;
    }
    return length === 0;
  }
  const text = reader.stringText();
  if (looksLikeBase64(text)) throw base64Error(name, text, stringAt);
  const raw = Buffer.from(text);
  const looksRight = raw.length === TRACE_ID_BYTES || raw.length === SPAN_ID_BYTES || raw.length === 0;
  out.varint(raw.length + (looksRight ? 1 : 0));
  out.raw(raw);
  if (looksRight) out.raw(Uint8Array.of(0));
  return false;
}

function isHex(bytes: Uint8Array, at: number, end: number): boolean {
  for (let p = at; p < end; p++) {
    if (HEX_VALUES[bytes[p]!] === NOT_HEX) return false;
  }
  return true;
}

function looksLikeBase64(text: string): boolean {
  return BASE64_LENGTHS.has(text.length) && BASE64.test(text);
}

function base64Error(name: string, text: string, at: number): GasolineError {
  return new GasolineError(
    "malformed_body",
    `${name} "${text}" at byte ${at}: hex expected, looks like base64.`,
    "OTLP/JSON writes trace and span ids as hex digits, unlike protobuf's own JSON mapping; " +
      "use the exporter's OTLP/JSON encoder instead of a stock protobuf one, or send protobuf.",
  );
}
