import type { HrTime } from "@opentelemetry/api";
import type { ContainerStream } from "./docker-frames.ts";
import type { LineCarrier } from "./line-join.ts";
import { createLineReader, type LineReader, type LineReaderOptions } from "./line-reader.ts";
import { createLineSplitter, type LineSplitter } from "./line-split.ts";

/** Turns the entries of one container's log into records, each entry once however often it is sent. */
export interface ContainerLog {
  entry(stream: ContainerStream, bytes: Buffer): void;
  /** From when on to ask, as the Engine API's `since`. */
  since(): string;
  /** To be called before the log is asked for again: entries that are known will come once more. */
  again(): void;
  /** Gives out what waits for its end. */
  end(): void;
}

/** Where one output stands: the newest timestamp, and how many entries had it. */
interface Place {
  newest: HrTime;
  count: number;
  /** How many entries with the newest timestamp were passed by since the log was asked for again. */
  repeated: number;
}

/** One output of the container. */
interface Output {
  readonly place: Place;
  readonly reader: LineReader;
  readonly splitter: LineSplitter;
  /** Of the line that is being cut. */
  carrier: LineCarrier;
  atLineStart: boolean;
}

/**
 * The engine stamps entries of stdout and stderr apart and then writes them into one file, so that their times cross
 * by a little. Asking for this much more, and telling by each output's own times what is known, loses none.
 */
const OVERLAP_S = 1;
const NEWLINE = 0x0a;

/** `since` is Unix time: entries before it are not asked for. */
export function createContainerLog(
  since: HrTime,
  options: Pick<LineReaderOptions, "clock" | "onRecord">,
): ContainerLog {
  const outputs: Partial<Record<ContainerStream, Output>> = {};

  function outputOf(stream: ContainerStream): Output {
    const known = outputs[stream];
    if (known !== undefined) return known;
    const reader = createLineReader({ ...options, attributes: { "log.iostream": stream } });
    const output: Output = {
      place: { newest: [0, 0], count: 0, repeated: 0 },
      reader,
      splitter: createLineSplitter((line, bytes) => reader.pushLine(line, output.carrier, bytes)),
      carrier: {},
      atLineStart: true,
    };
    outputs[stream] = output;
    return output;
  }

  return {
    entry: (stream, bytes) => {
      const output = outputOf(stream);
      const stamp = stampOf(bytes);
      if (stamp !== undefined && isKnown(output.place, stamp.time)) return;
      if (output.atLineStart) output.carrier = { time: stamp?.time };
      output.splitter.push(stamp === undefined ? bytes : bytes.subarray(stamp.length));
      output.atLineStart = bytes.at(-1) === NEWLINE;
    },
    since: () => {
      const newest = Object.values(outputs)
        .map(({ place }) => place.newest)
        .reduce((a, b) => (compare(a, b) < 0 ? b : a), [0, 0]);
      const from: HrTime = [newest[0] - OVERLAP_S, newest[1]];
      const [seconds, nanoseconds] = compare(from, since) < 0 ? since : from;
      return `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
    },
    again: () => {
      for (const { place } of Object.values(outputs)) place.repeated = 0;
    },
    end: () => {
      for (const { splitter, reader } of Object.values(outputs)) {
        splitter.end();
        reader.end();
      }
    },
  };
}

/** True for an entry that came before; else notes it. Times of one output never go back. */
function isKnown(place: Place, time: HrTime): boolean {
  const order = compare(time, place.newest);
  if (order < 0) return true;
  if (order > 0) {
    place.newest = time;
    place.count = 1;
    place.repeated = 1;
    return false;
  }
  place.repeated++;
  if (place.repeated <= place.count) return true;
  place.count = place.repeated;
  return false;
}

const SPACE = 0x20;
const STAMP_CHARACTERS_MAX = 36;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** The timestamp the engine put in front of an entry, and its length with the space after it. */
function stampOf(entry: Buffer): { readonly time: HrTime; readonly length: number } | undefined {
  const end = entry.subarray(0, STAMP_CHARACTERS_MAX).indexOf(SPACE);
  const time = end < 0 ? undefined : engineTime(entry.toString("latin1", 0, end));
  return time === undefined ? undefined : { time, length: end + 1 };
}

/** A time as the engine writes it (RFC 3339 with nanoseconds), `undefined` when it is none. */
export function engineTime(text: string): HrTime | undefined {
  const match = STAMP.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}${match[3]}`) / 1000;
  return [seconds, Number((match[2] ?? "").padEnd(9, "0"))];
}

function compare(a: HrTime, b: HrTime): number {
  return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
}
