import { inspect, stripVTControlCharacters } from "node:util";
import type { TestFailure } from "./test-event.ts";

const TEXT_CHARACTERS_MAX = 4_000;
const VALUE_CHARACTERS_MAX = 2_000;

/** An error as runners hand it on: an `Error`, or what is left of one after a process boundary. */
interface ErrorLike {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly stack?: unknown;
  readonly expected?: unknown;
  readonly actual?: unknown;
  readonly cause?: unknown;
  readonly code?: unknown;
  /** Jest's. */
  readonly matcherResult?: { readonly expected?: unknown; readonly actual?: unknown } | undefined;
}

/** What a thrown value says, cut to a few kilobytes and without colours. Anything may be thrown. */
export function failureOf(thrown: unknown): TestFailure {
  if (typeof thrown !== "object" || thrown === null) return { message: plain(String(thrown)) };
  const error = unwrapped(thrown);
  const { expected, actual } = error.matcherResult ?? error;
  const stack = typeof error.stack === "string" ? plain(error.stack) : "";
  const said = typeof error.message === "string" ? plain(error.message) : "";
  return {
    type: typeof error.name === "string" && error.name !== "" ? error.name : typeIn(stack),
    message: said === "" ? (stack.split("\n", 1)[0] ?? "") : said,
    ...(stack === "" ? {} : { stack }),
    ...(expected === undefined ? {} : { expected: valueText(expected) }),
    ...(actual === undefined && expected === undefined ? {} : { actual: valueText(actual) }),
  };
}

/** node:test wraps what a test threw into an error of its own. */
function unwrapped(thrown: ErrorLike): ErrorLike {
  const { cause } = thrown;
  return thrown.code === "ERR_TEST_FAILURE" && typeof cause === "object" && cause !== null ? cause : thrown;
}

function typeIn(stack: string): string {
  return /^(?:Uncaught )?([A-Z]\w*)\b/.exec(stack)?.[1] ?? "Error";
}

/** Texts that a runner rendered already stay as they are. */
export function valueText(value: unknown): string {
  const text = typeof value === "string" ? value : inspect(value, { depth: 4, breakLength: 100 });
  return stripVTControlCharacters(text).slice(0, VALUE_CHARACTERS_MAX);
}

function plain(text: string): string {
  return stripVTControlCharacters(text).slice(0, TEXT_CHARACTERS_MAX);
}
