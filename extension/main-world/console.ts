import type { Attributes } from "../model/records.ts";
import { describe } from "./describe.ts";
import { apply, listen, NativeError, nativeSetTimeout } from "./natives.ts";
import type { EventFacts, Recorder } from "./recorder.ts";

/** Severity numbers by console method. */
const METHODS = { debug: 5, log: 9, info: 9, warn: 13, error: 17, trace: 9, assert: 17 } as const;
type Method = keyof typeof METHODS;

/** Equal lines in a row are one record with a count, told after this long at the latest. */
const FOLD_MS = 1_000;
const STACK_FRAMES = 8;

/** Records what the page logs. The page's own console does its work first and never learns of this. */
export function captureConsole(recorder: Recorder): void {
  const folder = new LineFolder(recorder);
  listen(window, "pagehide", () => folder.tell());
  let busy = false;
  for (const method of Object.keys(METHODS) as Method[]) {
    const original = console[method] as (...values: unknown[]) => void;
    console[method] = new Proxy(original, {
      apply(target, self, args: unknown[]) {
        // Called by a page that replaced what is used below: only its own line counts.
        if (busy || recorder.outbox.paused) return apply(target, self, args);
        busy = true;
        try {
          if (method !== "assert" || !args[0]) folder.add(method, method === "assert" ? args.slice(1) : args);
        } catch {
          // What cannot be described is not recorded; the page sees its line as always.
        } finally {
          busy = false;
        }
        return apply(target, self, args);
      },
    });
  }
}

/** Folds a line into the one before when both say the same from the same place. */
class LineFolder {
  readonly #recorder: Recorder;
  #last: EventFacts | undefined;
  #repeats = 0;
  #timed = false;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  add(method: Method, args: readonly unknown[]): void {
    const { text, json, error } = describe(args);
    const last = this.#last;
    if (last !== undefined && last.body === text && last.attributes["browser.console.method"] === method) {
      this.#repeats++;
      this.#tellLater();
      return;
    }
    this.tell();
    const attributes: Attributes = { "browser.console.method": method };
    if (json !== undefined) attributes["gasoline.browser.console.arguments"] = json;
    if (error === undefined) attributes["code.stacktrace"] = callerStack();
    else {
      attributes["exception.type"] = error.type;
      attributes["exception.message"] = error.message;
      attributes["exception.stacktrace"] = error.stack;
    }
    this.#last = { name: "browser.console", severity: METHODS[method], body: text, attributes };
    this.#recorder.event(this.#last);
  }

  /** Tells how often the last line was repeated, if it was. */
  tell(): void {
    if (this.#last === undefined || this.#repeats === 0) return;
    const attributes = { ...this.#last.attributes, "gasoline.browser.repeat_count": this.#repeats };
    this.#repeats = 0;
    this.#recorder.event({ ...this.#last, attributes });
  }

  #tellLater(): void {
    if (this.#timed) return;
    this.#timed = true;
    nativeSetTimeout(() => {
      this.#timed = false;
      this.tell();
    }, FOLD_MS);
  }
}

/** Where the page called from: the stack without this extension's frames and without its first line. */
function callerStack(): string {
  const limit = NativeError.stackTraceLimit;
  NativeError.stackTraceLimit = STACK_FRAMES;
  const { stack } = new NativeError();
  NativeError.stackTraceLimit = limit;
  if (typeof stack !== "string") return "";
  let at = stack.indexOf("\n") + 1;
  while (
    at > 0 &&
    stack.slice(at, stack.indexOf("\n", at) + 1 || undefined).includes("chrome-extension://")
  ) {
    at = stack.indexOf("\n", at) + 1;
  }
  return at === 0 ? "" : stack.slice(at);
}
