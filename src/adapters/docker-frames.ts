/** Which output of a container an entry came from. A terminal has only one. */
export type ContainerStream = "stdout" | "stderr";

/** Cuts a container's log, as the Docker Engine API sends it, into its entries. */
export interface FrameReader {
  /** Throws an Error on bytes that are no frame: the stream cannot be read any further. */
  push(chunk: Uint8Array): void;
  /** The log is whole: gives out what it ends with. */
  end(): void;
}

/** One entry with its frame taken off: the timestamp asked for, a space, and up to 16 KiB of a line. */
export type OnEntry = (stream: ContainerStream, entry: Buffer) => void;

const HEADER_BYTES = 8;
/** Docker cuts entries at 16 KiB; a driver of another kind may not. Past this it is no log. */
const ENTRY_BYTES_MAX = 16 * 1024 ** 2;
const NEWLINE = 0x0a;
/** Of the first header byte; 0 is stdin, echoed, and 3 a message of the engine itself. */
const STREAMS: readonly ContainerStream[] = ["stdout", "stdout", "stderr", "stderr"];

/**
 * Frames of a container without a terminal, cut anywhere on their way:
 *
 *     │ stream │ 0 0 0 │ length (big endian) │ entry … │
 *     └ 1 byte ┴ 3 ────┴ 4 ──────────────────┘
 */
export function createFrameReader(onEntry: OnEntry): FrameReader {
  let rest: Buffer = Buffer.alloc(0);
  /** Chunks of an entry that is not whole yet, so that a long one is joined once. */
  let parts: Buffer[] = [];
  let missing = 0;

  function readWhole(bytes: Buffer): Buffer {
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const stream = STREAMS[bytes[at]!];
      const length = bytes.readUInt32BE(at + 4);
      if (stream === undefined || (bytes.readUInt32BE(at) & 0xffffff) !== 0 || length > ENTRY_BYTES_MAX) {
        throw new Error(`The log's frame starts with ${bytes.toString("hex", at, at + HEADER_BYTES)}.`);
      }
      const end = at + HEADER_BYTES + length;
      if (end > bytes.length) {
        missing = end - bytes.length;
        break;
      }
      onEntry(stream, bytes.subarray(at + HEADER_BYTES, end));
      at = end;
    }
    return bytes.subarray(at);
  }

  return {
    // Entries end with their frames, with a newline or without one.
    end: () => undefined,
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (missing > chunk.length) {
        parts.push(chunk);
        missing -= chunk.length;
        return;
      }
      missing = 0;
      const held = parts.length === 0 && rest.length === 0;
      const whole = held ? chunk : Buffer.concat([rest, ...parts, chunk]);
      parts = [];
      rest = readWhole(whole);
    },
  };
}

/** The log of a container with a terminal: raw lines, each an entry with its end. */
export function createTerminalReader(onEntry: OnEntry): FrameReader {
  let parts: Buffer[] = [];
  let held = 0;
  return {
    end: () => {
      const last = Buffer.concat(parts);
      parts = [];
      if (last.length > 0) onEntry("stdout", withoutStampsInside(last));
    },
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
        const line = chunk.subarray(start, end + 1);
        onEntry("stdout", withoutStampsInside(parts.length === 0 ? line : Buffer.concat([...parts, line])));
        parts = [];
        held = 0;
        start = end + 1;
      }
      if (start === chunk.length) return;
      held += chunk.length - start;
      if (held > ENTRY_BYTES_MAX)
        throw new Error(`The log has a line of more than ${ENTRY_BYTES_MAX} bytes.`);
      parts.push(chunk.subarray(start));
    },
  };
}

/** What Docker cuts lines into, each piece stamped alike. */
const PIECE_BYTES = 16 * 1024;
const SPACE = 0x20;
const STAMP_BYTES_MAX = 36;

/** A line longer than a piece has its own stamp again between the pieces, since nothing else parts them. */
function withoutStampsInside(line: Buffer): Buffer {
  if (line.length <= PIECE_BYTES) return line;
  const stamp = line.subarray(0, line.subarray(0, STAMP_BYTES_MAX).indexOf(SPACE) + 1);
  if (stamp.length === 0) return line;
  const pieces = [stamp];
  for (let at = stamp.length; at < line.length; ) {
    pieces.push(line.subarray(at, at + PIECE_BYTES));
    at += PIECE_BYTES;
    if (stamp.equals(line.subarray(at, at + stamp.length))) at += stamp.length;
  }
  return Buffer.concat(pieces);
}
