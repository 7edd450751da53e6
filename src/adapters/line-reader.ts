import type { Clock } from "../model/time.ts";
import { stripAnsi, understandLine } from "./line.ts";
import { exceptionOfText } from "./line-exception.ts";
import { createLineJoiner, type LineBlock, type LineCarrier } from "./line-join.ts";
import { createLineSplitter } from "./line-split.ts";
import type { LogToSend, SendableAttributes } from "./otlp-client.ts";

/** Turns the bytes of one output (a pipe, a file, a container's stream) into log records, in order. */
export interface LineReader {
  push(chunk: Uint8Array): void;
  /** A line that was cut out elsewhere (a container's), or a message of one or more (syslog); `bytes` as in `OnLine`. */
  pushLine(line: string, carrier: LineCarrier, bytes?: number): void;
  /** Gives out what waits for its end. */
  end(): void;
}

export interface LineReaderOptions {
  readonly clock: Clock;
  /** Attributes of every record, e.g. `log.iostream`. */
  readonly attributes: SendableAttributes;
  readonly onRecord: (record: LogToSend) => void;
}

/** How long a line waits for a stack that may follow it, and a stack for its next line. */
const LINE_WAIT_MS = 3;
const STACK_WAIT_MS = 40;
const SEVERITY_ERROR = 17;

/**
 * Bytes in, records out: lines are cut, stacks joined to their first line, each understood for itself. Blank lines
 * are no records. A run of binary output becomes one record that says how many bytes it was.
 */
export function createLineReader(options: LineReaderOptions): LineReader {
  const { clock, attributes, onRecord } = options;
  let binaryBytes = 0;
  let timer: NodeJS.Timeout | undefined;

  const joiner = createLineJoiner((block) => emit(recordOfBlock(block, clock.nowMs())));
  const splitter = createLineSplitter((line, bytes) => take(line, bytes));
  let attributesOfCut: SendableAttributes | undefined;

  function take(line: string, bytes?: number, carrier?: LineCarrier): void {
    if (line.includes("\0")) {
      joiner.flush();
      binaryBytes += bytes ?? line.length + 1;
      return;
    }
    endBinary();
    joiner.push(stripAnsi(line), carrier);
    if (bytes === undefined) return;
    // A cut line is a record by itself: nothing can follow what is not whole.
    attributesOfCut = { "gasoline.line.bytes": bytes };
    joiner.flush();
    attributesOfCut = undefined;
  }

  /** A text of several lines that is one message: a record, its later lines a stack when all of them are one. */
  function takeText(text: string, carrier: LineCarrier): void {
    joiner.flush();
    const blocks: LineBlock[] = [];
    const own = createLineJoiner((block) => blocks.push(block));
    for (const line of stripAnsi(text).split("\n")) own.push(line, carrier);
    own.flush();
    const block = blocks.length === 1 ? blocks[0]! : { lines: [stripAnsi(text)], carrier, stack: false };
    emit(recordOfBlock(block, clock.nowMs()));
  }

  function emit(record: LogToSend): void {
    onRecord({ ...record, attributes: { ...record.attributes, ...attributes, ...attributesOfCut } });
  }

  function endBinary(): void {
    if (binaryBytes === 0) return;
    const bytes = binaryBytes;
    binaryBytes = 0;
    emit({
      severity: 0,
      body: `${bytes} bytes of binary output`,
      attributes: { "gasoline.line.bytes": bytes },
    });
  }

  /** After a pause in the output, what waited is complete. */
  function settle(): void {
    clearTimeout(timer);
    if (joiner.waiting() === "whole") joiner.flush();
    const waiting = joiner.waiting();
    if (waiting === "nothing" && binaryBytes === 0) return;
    timer = setTimeout(
      () => {
        joiner.flush();
        endBinary();
      },
      waiting === "stack" ? STACK_WAIT_MS : LINE_WAIT_MS,
    ).unref();
  }

  return {
    push: (chunk) => {
      splitter.push(chunk);
      settle();
    },
    pushLine: (line, carrier, bytes) => {
      if (line.includes("\n")) takeText(line, carrier);
      else take(line, bytes, carrier);
      settle();
    },
    end: () => {
      clearTimeout(timer);
      splitter.end();
      joiner.flush();
      endBinary();
    },
  };
}

/** What the lines say, and where they say nothing, what their carrier does. */
function recordOfBlock(block: LineBlock, nowMs: number): LogToSend {
  const record = block.stack ? recordOfStack(block.lines, nowMs) : understandLine(block.lines[0]!, nowMs);
  const { carrier } = block;
  if (carrier === undefined) return record;
  return {
    ...record,
    time: record.time ?? carrier.time,
    severity: record.severity === 0 ? (carrier.severity ?? 0) : record.severity,
    ...(record.traceId ? {} : carrier.ids),
    attributes: { ...record.attributes, ...carrier.attributes },
  };
}

/** A stack makes its record an error unless the line said a level, and fills its `exception.*` attributes. */
function recordOfStack(lines: readonly string[], nowMs: number): LogToSend {
  const whole = lines.join("\n");
  const first = understandLine(lines[0]!, nowMs);
  const exception = exceptionOfText(whole);
  const named = lines[0]!.startsWith("Traceback") || /:\d+:?$/.test(lines[0]!);
  const type = exception["exception.type"];
  const message = exception["exception.message"];
  return {
    ...first,
    severity: first.severity === 0 ? SEVERITY_ERROR : first.severity,
    // A first line that is only a place or a heading says nothing; the line that names the error does.
    body: named && type !== undefined ? `${type}${message === undefined ? "" : `: ${message}`}` : first.body,
    attributes: {
      ...first.attributes,
      ...exception,
      "exception.stacktrace": whole,
      "log.record.original": whole,
    },
  };
}
