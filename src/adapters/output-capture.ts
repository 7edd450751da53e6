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

/** Chunks may wait up to this; past it the oldest go unread, and their lines are counted. */
const WAITING_BYTES_MAX = 32 * 1024 ** 2;
/** Reading pauses after this long, so that the pipes are emptied in between. */
const TURN_MS = 4;
/** Between two looks for room. */
const NO_ROOM_MS = 5;
/** At the end of the output, how long to wait for room that does not come. */
const END_WAIT_MS = 2_000;
const NEWLINE = 0x0a;

/**
 * Chunks wait in a queue and are read in short turns of the event loop: passing bytes on goes before understanding
 * them. While `hasRoom` says no, they wait as the bytes they are, which takes less memory than records.
 */
export function createOutputCapture(reader: LineReader, hasRoom: () => boolean): OutputCapture {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let scheduled = false;
  /** Chunks were dropped before the next one: it starts in the middle of a line. */
  let gap = false;
  let ended: (() => void) | undefined;
  let patienceMs = END_WAIT_MS;

  function turn(): void {
    scheduled = false;
    if (!hasRoom() && patienceMs > 0) {
      if (ended !== undefined) patienceMs -= NO_ROOM_MS;
      schedule(NO_ROOM_MS);
      return;
    }
    const until = performance.now() + TURN_MS;
    let count = 0;
    while (count < waiting.length && performance.now() < until) read(waiting[count++]!);
    waiting = waiting.slice(count);
    if (waiting.length > 0) schedule(0);
    else if (ended !== undefined) {
      reader.end();
      ended();
    }
  }

  function read(chunk: Uint8Array): void {
    waitingBytes -= chunk.length;
    if (!gap) {
      reader.push(chunk);
      return;
    }
    const newline = chunk.indexOf(NEWLINE);
    if (newline < 0) return;
    gap = false;
    lost++;
    reader.end();
    reader.push(chunk.subarray(newline + 1));
  }

  function schedule(ms: number): void {
    if (scheduled) return;
    scheduled = true;
    if (ms > 0) setTimeout(turn, ms);
    else setImmediate(turn);
  }

  return {
    push: (chunk) => {
      waiting.push(chunk);
      waitingBytes += chunk.length;
      while (waitingBytes > WAITING_BYTES_MAX && waiting.length > 1) {
        const oldest = waiting.shift()!;
        waitingBytes -= oldest.length;
        lost += countNewlines(oldest);
        gap = true;
      }
      schedule(0);
    },
    end: () =>
      new Promise((resolve) => {
        ended = resolve;
        schedule(0);
      }),
    linesLost: () => lost,
  };
}

function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
