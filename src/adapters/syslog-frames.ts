import { createLineSplitter, type OnLine } from "./line-split.ts";

/** Cuts one TCP connection into syslog messages. */
export interface SyslogFrames {
  push(chunk: Uint8Array): void;
  /** The connection has ended: gives out what it ended with. */
  end(): void;
}

/** Bytes of one message that are kept, as for a line. */
const MESSAGE_BYTES_MAX = 256 * 1024;
const COUNT_DIGITS_MAX = 8;
const [NEWLINE, SPACE, ZERO, ONE, NINE, LESS] = [0x0a, 0x20, 0x30, 0x31, 0x39, 0x3c];

/**
 * Both ways of RFC 6587, told apart at each message: `LENGTH SP <…` counts octets, anything else ends at a newline.
 * Memory stays bounded by the longest message kept, also when it comes byte by byte.
 */
export function createSyslogFrames(onMessage: OnLine): SyslogFrames {
  const lines = createLineSplitter(onMessage);
  let mode: "start" | "count" | "counted" | "line" = "start";
  let count = "";
  let missing = 0;
  let length = 0;
  let parts: Buffer[] = [];
  let kept = 0;

  /** Reads on from `at`; returns how far it came, always further but when only the mode changes. */
  function step(chunk: Buffer, at: number): number {
    const byte = chunk[at]!;
    switch (mode) {
      case "start":
        // Senders put newlines and NULs between messages.
        if (byte <= SPACE) return at + 1;
        mode = byte >= ONE && byte <= NINE ? "count" : "line";
        return at;
      case "count":
        if (byte >= ZERO && byte <= NINE && count.length < COUNT_DIGITS_MAX) {
          count += String.fromCharCode(byte);
          return at + 1;
        }
        if (byte === SPACE && !count.endsWith(" ")) {
          count += " ";
          return at + 1;
        }
        return afterCount(byte, at);
      case "counted":
        return readCounted(chunk, at);
      case "line": {
        const newline = chunk.indexOf(NEWLINE, at);
        const end = newline < 0 ? chunk.length : newline + 1;
        lines.push(chunk.subarray(at, end));
        if (newline >= 0) mode = "start";
        return end;
      }
    }
  }

  /** A number is a count only when a space and a message follow. */
  function afterCount(byte: number, at: number): number {
    if (byte === LESS && count.endsWith(" ")) {
      mode = "counted";
      missing = length = Number(count);
    } else {
      mode = "line";
      lines.push(Buffer.from(count));
    }
    count = "";
    return at;
  }

  function readCounted(chunk: Buffer, at: number): number {
    const part = chunk.subarray(at, at + missing);
    const room = part.subarray(0, MESSAGE_BYTES_MAX - kept);
    // A copy, so that a few bytes do not keep a whole chunk alive.
    if (room.length > 0) parts.push(Buffer.from(room));
    kept += room.length;
    missing -= part.length;
    if (missing === 0) release();
    return at + part.length;
  }

  function release(): void {
    const whole = Buffer.concat(parts);
    const text = whole.toString("utf8").replace(/[\n\0]+$/, "");
    if (length > whole.length) onMessage(text, length);
    else onMessage(text);
    parts = [];
    kept = 0;
    mode = "start";
  }

  return {
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      let at = 0;
      while (at < chunk.length) at = step(chunk, at);
    },
    end: () => {
      if (mode === "counted") release();
      else {
        if (count !== "") lines.push(Buffer.from(count));
        lines.end();
      }
      mode = "start";
    },
  };
}
