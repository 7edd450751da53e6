/** Bytes of one line that are kept; what a longer one has beyond them is counted, not kept. */
const LINE_BYTES_MAX = 256 * 1024;
const NEWLINE = 0x0a;
const REPLACEMENT = "\ufffd";

/** Cuts a stream of bytes into lines of text. */
export interface LineSplitter {
  push(chunk: Uint8Array): void;
  /** Gives out what stands after the last newline. */
  end(): void;
}

/** One line without its end. `bytes` is its whole length where the text was cut, else absent. */
export type OnLine = (line: string, bytes?: number) => void;

/**
 * Lines end at `\n` or `\r\n`; of a line that a progress bar wrote over with `\r`, its last state counts. Text is
 * UTF-8; a line that is not is read as Latin-1, so that no byte is lost. Memory stays bounded by the longest line kept.
 */
export function createLineSplitter(onLine: OnLine): LineSplitter {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let restKept = 0;

  function hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    restBytes += bytes.length;
    const kept = bytes.subarray(0, Math.max(0, LINE_BYTES_MAX - restKept));
    // A copy, so that a few bytes do not keep a whole chunk alive.
    if (kept.length > 0) rest.push(kept.slice());
    restKept += kept.length;
  }

  function release(): void {
    const whole = Buffer.concat(rest);
    const bytes = restBytes;
    rest = [];
    restBytes = 0;
    restKept = 0;
    const line = overwritten(decode(whole));
    if (bytes > whole.length) onLine(line, bytes);
    else onLine(line);
  }

  return {
    push: (bytes) => {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      let start = 0;
      if (restBytes > 0) {
        const end = chunk.indexOf(NEWLINE);
        hold(end < 0 ? chunk : chunk.subarray(0, end));
        if (end < 0) return;
        release();
        start = end + 1;
      }
      const last = chunk.lastIndexOf(NEWLINE);
      if (last >= start) splitText(chunk.subarray(start, last), onLine);
      hold(chunk.subarray(Math.max(start, last + 1)));
    },
    end: () => {
      if (restBytes > 0) release();
    },
  };
}

/** Many lines are decoded at once, which costs a fraction of one by one. */
function splitText(bytes: Buffer, onLine: OnLine): void {
  const text = bytes.toString("utf8");
  if (!text.includes(REPLACEMENT)) {
    for (const line of text.split("\n")) emitBounded(overwritten(line), onLine);
    return;
  }
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    emitBounded(overwritten(decode(bytes.subarray(start, end < 0 ? bytes.length : end))), onLine);
    if (end < 0) return;
    start = end + 1;
  }
}

function emitBounded(line: string, onLine: OnLine): void {
  if (line.length <= LINE_BYTES_MAX) onLine(line);
  else onLine(line.slice(0, LINE_BYTES_MAX), Buffer.byteLength(line));
}

function decode(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.includes(REPLACEMENT) && !bytes.includes("\ufffd") ? bytes.toString("latin1") : text;
}

function overwritten(line: string): string {
  if (!line.includes("\r")) return line;
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}
