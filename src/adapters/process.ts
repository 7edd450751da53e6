import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../model/time.ts";
import { createLineReader } from "./line-reader.ts";
import type { LogToSend, OtlpSource, SendableAttributes } from "./otlp-client.ts";
import { createOutputCapture, type OutputCapture } from "./output-capture.ts";

/** How a command ended: with an exit code, or by a signal. */
export interface CommandExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last line that was an error or went to stderr, for people; `""` when there was none. */
  readonly lastComplaint: string;
  /** Lines that went by unread because too many waited. */
  readonly linesLost: number;
}

export interface CommandStart {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: "inherit" | "ignore";
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** False while the lines should wait; see `OtlpClient.hasRoom`. */
  readonly hasRoom: () => boolean;
  /** Sends the lines. Called once the process runs, since its resource names the process id. */
  readonly source: (processId: number) => OtlpSource;
  readonly clock: Clock;
}

export interface RunningCommand {
  readonly exit: Promise<CommandExit>;
  kill(signal: NodeJS.Signals): void;
}

const SEVERITY_ERROR = 17;
/** A process that the command left behind may hold its pipes open; it is not waited for longer than this. */
const PIPES_OPEN_MS = 1_000;

/**
 * Starts a command whose output passes through unchanged, byte by byte, and is read along the way. What goes to the
 * terminal never waits for what goes to the daemon. Rejects when the command cannot be started (ENOENT, EACCES).
 */
export function startCommand(start: CommandStart): Promise<RunningCommand> {
  const child = spawn(start.command[0]!, start.command.slice(1), {
    cwd: start.cwd,
    env: start.env,
    stdio: [start.stdin, "pipe", "pipe"],
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("spawn", () => {
      child.removeListener("error", reject);
      // A signal that could not be sent: the process has ended meanwhile.
      child.on("error", () => undefined);
      resolve({ exit: watch(child, start), kill: (signal) => void child.kill(signal) });
    });
  });
}

async function watch(child: ChildProcess, start: CommandStart): Promise<CommandExit> {
  const source = start.source(child.pid!);
  let lastComplaint = "";
  const captureOf = (pipe: Readable, out: Writable, name: "stdout" | "stderr"): OutputCapture => {
    const attributes: SendableAttributes = { "log.iostream": name };
    const onRecord = (record: LogToSend): void => {
      if (name === "stderr" || record.severity >= SEVERITY_ERROR) lastComplaint = String(record.body);
      source.log(record);
    };
    const reader = createLineReader({ clock: start.clock, attributes, onRecord });
    const capture = createOutputCapture(reader, start.hasRoom);
    passThrough(pipe, out, capture);
    return capture;
  };
  const captures = [
    captureOf(child.stdout!, start.stdout, "stdout"),
    captureOf(child.stderr!, start.stderr, "stderr"),
  ];
  const { code, signal } = await ended(child);
  await Promise.all(captures.map((capture) => capture.end()));
  const linesLost = captures.reduce((sum, capture) => sum + capture.linesLost(), 0);
  return { code, signal, lastComplaint, linesLost };
}

/** Bytes go on first and are read second. A reader that goes away takes the pipe with it, as if we were not there. */
function passThrough(pipe: Readable, out: Writable, capture: OutputCapture): void {
  pipe.on("data", (chunk: Buffer) => {
    if (!out.write(chunk)) {
      pipe.pause();
      out.once("drain", () => pipe.resume());
    }
    capture.push(chunk);
  });
  out.on("error", () => pipe.destroy());
}

function ended(child: ChildProcess): Promise<Pick<CommandExit, "code" | "signal">> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      const cap = setTimeout(() => resolve({ code, signal }), PIPES_OPEN_MS);
      child.once("close", () => {
        clearTimeout(cap);
        resolve({ code, signal });
      });
    });
  });
}

/** The exit code a shell would show: the command's own, or 128 and the number of the signal that ended it. */
export function exitCodeOf({ code, signal }: Pick<CommandExit, "code" | "signal">): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
