import type { LineReader } from "./line-reader.ts";

/** Reads along with an output without ever holding up who writes it. */
export interface OutputCapture {
  /** Takes a chunk; it is read later. The caller must not change its bytes any more. */
  push(chunk: Uint8Array): void;
  /** Reads all that waits, and ends the reader. */
  end(): Promise<void>;
  /** Lines that were passed by because too much waited. */
  linesLost(): number;
}

/** Chunks may wait up to this; past it the output is faster than it can be read, and lines are counted instead. */
const WAITING_BYTES_MAX = 32 * 1024 ** 2;
/** Reading pauses after this long, so that the pipes are emptied in between. */
const TURN_MS = 4;
const NEWLINE = 0x0a;

/**
 * Chunks wait in a queue and are read in short turns of the event loop: passing bytes on goes before understanding
 * them.
 */
export function createOutputCapture(reader: LineReader): OutputCapture {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let scheduled = false;
  let ended: (() => void) | undefined;

  function turn(): void {
    scheduled = false;
    const until = performance.now() + TURN_MS;
    let read = 0;
    while (read < waiting.length && performance.now() < until) {
      const chunk = waiting[read++]!;
      waitingBytes -= chunk.length;
      reader.push(chunk);
    }
    waiting = waiting.slice(read);
    if (waiting.length > 0) schedule();
    else if (ended !== undefined) {
      reader.end();
      ended();
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(turn);
  }

  return {
    push: (chunk) => {
      if (waitingBytes + chunk.length > WAITING_BYTES_MAX) {
        lost += countNewlines(chunk);
        return;
      }
      waiting.push(chunk);
      waitingBytes += chunk.length;
      schedule();
    },
    end: () =>
      new Promise((resolve) => {
        ended = resolve;
        schedule();
      }),
    linesLost: () => lost,
  };
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
