import { expect, test } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { parseObserve } from "../../src/query/parameters.ts";

function refusal(input: unknown): string {
  try {
    parseObserve(input);
  } catch (error) {
    if (error instanceof GasolineError && error.code === "bad_parameter") return error.message;
    throw error;
  }
  throw new Error("was accepted");
}

test.each<[name: string, input: object, filter: object]>([
  ["nested filters", { what: "logs", filter: { level: "error" } }, { level: "error" }],
  [
    "flat filters, as a query string has them",
    { what: "logs", level: "error", service: "a" },
    { level: "error", service: "a" },
  ],
  ["a filter as JSON text", { what: "logs", filter: '{"level":"warn"}' }, { level: "warn" }],
  ["levels by other names", { what: "logs", level: "WARNING" }, { level: "warn" }],
  ["status as a number", { what: "logs", status: 404 }, { status: 404 }],
  ["status as text", { what: "logs", status: "404" }, { status: "404" }],
  ["a status class in capitals", { what: "logs", status: "5XX" }, { status: "5xx" }],
  ["tags as text", { what: "logs", tags: "http, db" }, { tags: ["http", "db"] }],
  [
    "flat attributes",
    { what: "logs", "attributes.http.route": "/a", "attributes.x": "1" },
    { attributes: { "http.route": "/a", x: "1" } },
  ],
  ["line as text", { what: "logs", line: "12" }, { line: 12 }],
])("reads %s", (_name, input, filter) => {
  expect(parseObserve(input).filter).toEqual(filter);
});

test("numbers in a query string", () => {
  const query = parseObserve({ what: "logs", limit: "7", offset: "3", wait_ms: "0", budget_bytes: "2000" });
  expect(query).toMatchObject({ limit: 7, offset: 3, waitMs: 0, budgetBytes: 2000, limitGiven: true });
  expect(parseObserve({ what: "logs" })).toMatchObject({
    limit: 50,
    limitGiven: false,
    budgetBytes: undefined,
  });
});

test.each<[input: unknown, message: RegExp]>([
  [{}, /what is missing; expected one of traces, .*For example/],
  [undefined, /what is missing/],
  [[], /expected an object/],
  [{ what: "tracez" }, /what is "tracez"; expected one of traces.*Did you mean "trace/],
  [{ what: "logs", levl: "error" }, /"levl" is not a parameter of observe\. Did you mean filter\.level\?/],
  [{ what: "logs", filter: { servic: "a" } }, /Did you mean filter\.service\?/],
  [{ what: "logs", filter: { traceId: "a" } }, /Did you mean filter\.trace_id\?/],
  [{ what: "logs", filter: { limitt: 3 } }, /Did you mean limit\?/],
  [{ what: "logs", qqqqqqq: 1 }, /Parameters: what, .*Filters: trace_id/],
  [
    { what: "logs", level: "erorr" },
    /filter\.level is "erorr"; expected one of debug, .*Did you mean "error"\?/,
  ],
  [{ what: "logs", level: 3 }, /filter\.level is 3; expected one of/],
  [{ what: "logs", source: "backnd" }, /Did you mean "backend"\?/],
  [{ what: "logs", limit: 0 }, /limit is 0; expected a whole number from 1 to 1000/],
  [{ what: "logs", limit: 1.5 }, /limit is 1\.5/],
  [{ what: "logs", limit: "many" }, /limit is "many"/],
  [{ what: "logs", offset: -1 }, /offset is -1; expected a whole number from 0/],
  [{ what: "logs", wait_ms: 60_000 }, /wait_ms is 60000; expected milliseconds from 0 to 30000/],
  [{ what: "logs", budget_bytes: 10 }, /budget_bytes is 10; expected bytes from 2000/],
  [{ what: "logs", status: "6xx" }, /filter\.status is "6xx"; expected an HTTP status/],
  [{ what: "logs", status: 99 }, /filter\.status is 99/],
  [
    { what: "logs", filter: { tags: "a", service: 4 } },
    /filter\.service is 4; expected text \(service\.name, exactly\)/,
  ],
  [{ what: "logs", filter: { attributes: { a: { contans: "x" } } } }, /filter\.attributes/],
  [{ what: "logs", filter: "level" }, /filter is "level"; expected an object/],
  [{ what: "logs", level: "error", filter: { level: "warn" } }, /level is given twice/],
  [{ what: "logs", after_cursor: "a", before_cursor: "b" }, /exclude each other/],
  [{ what: "logs", filter: { text: "x".repeat(3000) } }, /filter\.text is "xxx.*…; expected text/],
])("refuses input %#", (input, message) => {
  expect(refusal(input)).toMatch(message);
});

test("a key that every object has is no parameter", () => {
  expect(refusal({ what: "logs", constructor: 1 })).toMatch(/"constructor" is not a parameter/);
  expect(refusal(JSON.parse('{"what":"logs","filter":{"__proto__":{"level":"error"}}}'))).toMatch(
    /"__proto__"/,
  );
});
