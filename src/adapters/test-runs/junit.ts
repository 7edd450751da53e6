import { resolve } from "node:path";
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { GasolineError } from "../../model/errors.ts";
import type { TestEvent, TestFailure } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

/** An element: attributes under `@name`, children as lists, text under `#text`. */
type Element = { readonly [name: string]: unknown };

/** Deeper than any runner nests its suites. */
const DEPTH_MAX = 50;
const RETRIES = ["flakyFailure", "flakyError", "rerunFailure", "rerunError"];

/**
 * Events of a JUnit XML report, as surefire, gradle, pytest, jest-junit and others write it. Tests stand one after the
 * other from their suite's timestamp on, or from `startMs` where it has none. Throws GasolineError `bad_parameter`
 * when it is no well-formed XML, is no JUnit report, or declares a document type: entities could make it expand without
 * bound.
 */
export function readJunit(text: string, startMs: number): readonly TestEvent[] {
  if (/<!DOCTYPE/i.test(text)) {
    throw new GasolineError(
      "bad_parameter",
      "The report declares a document type, which could hold entities without bound.",
      "JUnit XML needs none: take the <!DOCTYPE …> out.",
    );
  }
  const valid = XMLValidator.validate(text);
  if (valid !== true) {
    throw new GasolineError(
      "bad_parameter",
      `The report is no well-formed XML: line ${valid.err.line}: ${valid.err.msg}`,
      "Was the run that wrote it stopped? Give the whole file.",
    );
  }
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    parseTagValue: false,
    parseAttributeValue: false,
    isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
  });
  const root = parser.parse(text) as Element;
  const suites = [...childrenOf(root, "testsuites"), ...childrenOf(root, "testsuite")];
  if (suites.length === 0) {
    throw new GasolineError(
      "bad_parameter",
      "The report holds no <testsuites> or <testsuite>.",
      "Is it JUnit XML? Other reports: `gasoline import tap FILE`.",
    );
  }
  const events: TestEvent[] = [];
  for (const suite of suites) readSuite(suite, [], startMs, events, DEPTH_MAX);
  return events;
}

function readSuite(
  suite: Element,
  above: readonly string[],
  startMs: number,
  events: TestEvent[],
  depth: number,
): void {
  if (depth === 0) return;
  const own = attribute(suite, "name");
  const groups = own === undefined || own === above.at(-1) ? above : [...above, own];
  const stamp = Date.parse(attribute(suite, "timestamp") ?? "");
  let timeMs = Number.isNaN(stamp) ? startMs : stamp;
  for (const test of childrenOf(suite, "testcase")) {
    readTest(test, groups, attribute(suite, "file"), timeMs, events);
    timeMs += durationOf(test);
  }
  for (const child of childrenOf(suite, "testsuite")) readSuite(child, groups, timeMs, events, depth - 1);
}

function readTest(
  test: Element,
  groups: readonly string[],
  suiteFile: string | undefined,
  startMs: number,
  events: TestEvent[],
): void {
  const name = attribute(test, "name") ?? "unnamed";
  const className = attribute(test, "classname") ?? "";
  const suite = groups.at(-1) === className || className === "" ? groups : [...groups, className];
  const path = attribute(test, "file") ?? suiteFile;
  const file = path === undefined ? undefined : resolve(path);
  const line = Number(attribute(test, "line"));
  const retries = RETRIES.flatMap((kind) => childrenOf(test, kind));
  const failures = [...childrenOf(test, "failure"), ...childrenOf(test, "error")];
  const skipped = childrenOf(test, "skipped")[0];
  const reference = {
    key: testKey(file ?? "", [...suite, name]),
    suite: suite.join(" > ") || "JUnit",
    name,
    ...(file === undefined ? {} : { file }),
    ...(line > 0 ? { line } : {}),
  };
  for (const [attempt, failure] of retries.entries()) {
    const of = { ...reference, attempt, startMs, durationMs: 0 };
    events.push({ kind: "finished", status: "fail", ...of, failures: [failureIn(failure)] });
  }
  const attempt = retries.length;
  for (const [element, stream] of [
    ["system-out", "stdout"],
    ["system-err", "stderr"],
  ] as const) {
    for (const output of childrenOf(test, element)) {
      const text = textOf(output);
      if (text.trim() === "") continue;
      events.push({ kind: "output", stream, text, timeMs: startMs, key: reference.key, attempt });
    }
  }
  const reason = skipped === undefined ? undefined : attribute(skipped, "message");
  events.push({
    kind: "finished",
    ...reference,
    attempt,
    status: failures.length > 0 ? "fail" : skipped === undefined ? "pass" : "skip",
    startMs,
    durationMs: durationOf(test),
    failures: failures.map(failureIn),
    ...(reason === undefined ? {} : { reason }),
  });
}

/** The body is the stack; without a message its first line says what failed. */
function failureIn(element: Element): TestFailure {
  const stack = textOf(element).trim();
  const message = attribute(element, "message") ?? stack.split("\n", 1)[0] ?? "";
  const values = /expected:? ?<(.*?)> but was:? ?<(.*?)>/i.exec(message);
  return {
    type: attribute(element, "type") ?? "Error",
    message: message.slice(0, TEXT_CHARACTERS_MAX),
    ...(stack === "" ? {} : { stack: stack.slice(0, TEXT_CHARACTERS_MAX) }),
    ...(values === null ? {} : { expected: values[1]!, actual: values[2]! }),
  };
}

const TEXT_CHARACTERS_MAX = 4_000;

/** Seconds with a point; some writers group thousands with a comma. */
function durationOf(test: Element): number {
  const seconds = Number((attribute(test, "time") ?? "").replaceAll(",", ""));
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
}

function childrenOf(element: Element, name: string): readonly Element[] {
  const children = Object.hasOwn(element, name) ? element[name] : [];
  if (!Array.isArray(children)) return [];
  return children.map((child) =>
    typeof child === "object" && child !== null ? child : { "#text": String(child) },
  );
}

function attribute(element: Element, name: string): string | undefined {
  const value = Object.hasOwn(element, `@${name}`) ? element[`@${name}`] : undefined;
  return typeof value === "string" ? value : undefined;
}

function textOf(element: Element): string {
  const text = element["#text"];
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
}
