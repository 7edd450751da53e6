import type { BrowserCommand, CommandValue, ToExtension } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";

/** What a command came to. */
export type CommandResult =
  | { readonly ok: true; readonly value: CommandValue }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
    };

/** Commands that may wait behind the one that runs. */
export const WAITING_MAX = 64;
/** Beyond a command's own limit, for the extension's word that it was reached. */
export const ANSWER_GRACE_MS = 1_000;
/** After a reconnect, for results that were ready before it. */
export const LATE_RESULT_MS = 1_000;

interface Entry {
  readonly id: string;
  readonly command: BrowserCommand;
  readonly timeoutMs: number;
  readonly settle: (result: CommandValue | GasolineError) => void;
  limit?: NodeJS.Timeout;
  lost?: NodeJS.Timeout;
}

/**
 * Commands to the extension, one at a time and each with one result, over whatever connection there is:
 *
 * ```
 *  run ─► waiting (≤ 64) ─► running ─► result | extension's error | timed_out | lost in a reconnect | cancelled
 *                              ▲  │
 *                    attach ───┘  └─── detach: it stays running, and the next `hello` says whether it still is
 * ```
 * A result for no running command (late, doubled, made up) changes nothing.
 */
export class CommandQueue {
  readonly #waiting: Entry[] = [];
  #running: Entry | undefined;
  #send: ((message: ToExtension) => void) | undefined;
  #count = 0;
  readonly #prefix: string;

  /** `prefix` begins every id, so that a result meant for another run of the daemon matches none here. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /**
   * Resolves with the command's value. Its time runs from when it is sent, but it waits no longer than that either.
   * Rejects with GasolineError: `overloaded`, `timed_out`, `browser_failed`.
   */
  run(command: BrowserCommand, timeoutMs: number, signal?: AbortSignal): Promise<CommandValue> {
    if (this.#waiting.length >= WAITING_MAX) {
      const problem = `${WAITING_MAX} commands wait for the browser already.`;
      return Promise.reject(new GasolineError("overloaded", problem, "Call again when they are done.", 1));
    }
    if (signal?.aborted) return Promise.reject(cancelled(command));
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        id: `${this.#prefix}${++this.#count}`,
        command,
        timeoutMs,
        settle: (result) => {
          clearTimeout(entry.limit);
          clearTimeout(entry.lost);
          signal?.removeEventListener("abort", cancel);
          if (result instanceof GasolineError) reject(result);
          else resolve(result);
        },
      };
      const cancel = (): void => this.#giveUp(entry, cancelled(command));
      signal?.addEventListener("abort", cancel, { once: true });
      entry.limit = setTimeout(() => this.#giveUp(entry, neverSent(command, timeoutMs)), timeoutMs);
      this.#waiting.push(entry);
      this.#next();
    });
  }

  /** A connection whose `hello` named the commands it still works on. */
  attach(send: (message: ToExtension) => void, inProgress: readonly string[]): void {
    this.#send = send;
    const entry = this.#running;
    for (const id of inProgress) {
      if (id !== entry?.id) send({ v: 1, id, type: "cancel" });
    }
    if (entry !== undefined && !inProgress.includes(entry.id)) {
      entry.lost = setTimeout(() => this.#giveUp(entry, lost(entry.command)), LATE_RESULT_MS);
    }
    this.#next();
  }

  /** The connection is gone. What runs may go on in the browser: the next one tells. */
  detach(): void {
    this.#send = undefined;
    clearTimeout(this.#running?.lost);
  }

  /** Returns false for a result that no command waits for. */
  receive(id: string, result: CommandResult): boolean {
    const entry = this.#running;
    if (entry === undefined || entry.id !== id) return false;
    this.#running = undefined;
    entry.settle(outcomeOf(entry.command, result));
    this.#next();
    return true;
  }

  /** Ends everything, e.g. because the daemon stops. */
  fail(error: GasolineError): void {
    for (const entry of [this.#running, ...this.#waiting.splice(0)]) entry?.settle(error);
    this.#running = undefined;
  }

  #next(): void {
    const send = this.#send;
    if (this.#running !== undefined || send === undefined) return;
    const entry = this.#waiting.shift();
    if (entry === undefined) return;
    this.#running = entry;
    clearTimeout(entry.limit);
    entry.limit = setTimeout(
      () => this.#giveUp(entry, timedOut(entry.command, entry.timeoutMs)),
      entry.timeoutMs + ANSWER_GRACE_MS,
    );
    send({ v: 1, id: entry.id, type: "command", command: entry.command, timeout_ms: entry.timeoutMs });
  }

  #giveUp(entry: Entry, error: GasolineError): void {
    if (this.#running === entry) {
      this.#running = undefined;
      this.#send?.({ v: 1, id: entry.id, type: "cancel" });
    } else {
      const position = this.#waiting.indexOf(entry);
      if (position < 0) return;
      this.#waiting.splice(position, 1);
    }
    entry.settle(error);
    this.#next();
  }
}

function outcomeOf(command: BrowserCommand, result: CommandResult): CommandValue | GasolineError {
  if (!result.ok) {
    const { message, remedy } = result.error;
    // Its messages are whole by themselves, as ours are.
    const problem = message.endsWith(remedy) ? message.slice(0, message.length - remedy.length) : message;
    return new GasolineError("browser_failed", problem.trimEnd(), remedy);
  }
  if (result.value.name === command.name) return result.value;
  return new GasolineError(
    "browser_failed",
    `The extension answered ${command.name} with a result of ${result.value.name}.`,
    "Rebuild and reload it with `gasoline extension`.",
  );
}

function cancelled({ name }: BrowserCommand): GasolineError {
  return new GasolineError("browser_failed", `The command ${name} was cancelled.`, "");
}

function lost({ name }: BrowserCommand): GasolineError {
  return new GasolineError(
    "browser_failed",
    `The command ${name} was lost in a reconnect of the extension; it may have been carried out.`,
    'Look at the page with interact {"action":"page"} before doing it again.',
  );
}

function timedOut({ name }: BrowserCommand, timeoutMs: number): GasolineError {
  return new GasolineError(
    "timed_out",
    `The browser did not finish ${name} within ${timeoutMs} ms.`,
    'Look at it with interact {"action":"page"}, or give more timeout_ms.',
  );
}

function neverSent({ name }: BrowserCommand, timeoutMs: number): GasolineError {
  return new GasolineError(
    "timed_out",
    `The command ${name} was not sent within ${timeoutMs} ms: the browser was busy or its extension reconnecting.`,
    "Call again.",
  );
}
