import {
  constants,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzipSync,
  inflateSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompressSync,
} from "node:zlib";
import { GasolineError } from "../model/errors.ts";

/** `deflate` is the zlib format, as RFC 9110 section 8.4.1.2 has it. */
export type Compression = "gzip" | "deflate" | "zstd";

/** Names of what is read, as `Accept-Encoding` and `grpc-accept-encoding` list them. */
export const ENCODINGS_ACCEPTED = "identity,gzip,zstd,deflate";

const COMPRESSIONS: ReadonlyMap<string, Compression | undefined> = new Map([
  ["", undefined],
  ["identity", undefined],
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["zstd", "zstd"],
]);

/** A larger window is refused by every HTTP client and server alike (RFC 9659): 8 MiB. */
const ZSTD_WINDOW_LOG_MAX = 23;
const ZSTD_PARAMS = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX };
/** Deflate makes at most 1032 bytes of one. */
const DEFLATE_RATIO_MAX = 1032;
const OUTPUT_CHUNK_BYTES = 128 * 1024;

/**
 * What a `Content-Encoding` or `grpc-encoding` header names; `undefined` for identity or no header. Throws
 * `bad_encoding` for anything else, a list of encodings included.
 */
export function compressionOf(header: string | undefined): Compression | undefined {
  const name = (header ?? "").trim().toLowerCase();
  if (!COMPRESSIONS.has(name)) {
    throw new GasolineError(
      "bad_encoding",
      `Content encoding "${name.slice(0, 80)}" is not supported; expected one of ${ENCODINGS_ACCEPTED}.`,
      "Set OTEL_EXPORTER_OTLP_COMPRESSION to gzip or none.",
    );
  }
  return COMPRESSIONS.get(name);
}

/**
 * Inflates a whole body on this thread, into memory that is the result's alone. `null` when the output exceeds `bytesMax`; then nothing more than that
 * was inflated. Throws `malformed_body` when the input is corrupt or cut off.
 */
export function inflateNow(compression: Compression, input: Buffer, bytesMax: number): Buffer | null {
  try {
    switch (compression) {
      case "gzip":
        return gunzipSync(input, { maxOutputLength: bytesMax, chunkSize: gzipOutputBytes(input, bytesMax) });
      case "deflate":
        return inflateSync(input, { maxOutputLength: bytesMax, chunkSize: OUTPUT_CHUNK_BYTES });
      case "zstd":
        return zstdDecompressSync(input, {
          maxOutputLength: bytesMax,
          chunkSize: OUTPUT_CHUNK_BYTES,
          params: ZSTD_PARAMS,
        });
    }
  } catch (error) {
    if (error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") return null;
    throw corrupt(compression, error);
  }
}

/**
 * Size of a gzip body's output as its last four bytes tell it, to inflate into one buffer without joining. Only a
 * hint: it is bounded by what deflate can make of the input.
 */
function gzipOutputBytes(input: Buffer, bytesMax: number): number {
  // A smaller buffer would be part of one that Node shares out.
  const bytesMin = Buffer.poolSize;
  if (input.length < 4) return bytesMin;
  const told = input.readUInt32LE(input.length - 4);
  return Math.max(bytesMin, Math.min(told, bytesMax, DEFLATE_RATIO_MAX * input.length) + 64);
}

/**
 * Inflates chunks on the thread pool. `add` gets each piece of output and may stop it with an error; `done` is
 * called once, with that error, with `malformed_body`, or with nothing.
 */
export function inflateOnThreadPool(
  compression: Compression,
  chunks: readonly Buffer[],
  add: (output: Buffer) => GasolineError | undefined,
  done: (error?: GasolineError) => void,
): void {
  const stream = createInflater(compression);
  let refusal: GasolineError | undefined;
  stream.on("data", (output: Buffer) => {
    refusal ??= add(output);
    if (refusal !== undefined) stream.destroy(refusal);
  });
  stream.once("error", (error) => done(refusal ?? corrupt(compression, error)));
  stream.once("end", () => done());
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
}

function createInflater(compression: Compression) {
  const options: ZlibOptions = { chunkSize: OUTPUT_CHUNK_BYTES };
  const zstdOptions: ZstdOptions = { chunkSize: OUTPUT_CHUNK_BYTES, params: ZSTD_PARAMS };
  switch (compression) {
    case "gzip":
      return createGunzip(options);
    case "deflate":
      return createInflate(options);
    case "zstd":
      return createZstdDecompress(zstdOptions);
  }
}

function corrupt(compression: Compression, cause: unknown): GasolineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new GasolineError(
    "malformed_body",
    `The body is not valid ${compression}: ${reason}.`,
    "Check that it was compressed once and not cut off, and that the encoding header names what was used.",
  );
}
