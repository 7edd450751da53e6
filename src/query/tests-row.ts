import { testRunOf } from "../correlate/test-case.ts";
import { nsToMs } from "../model/time.ts";
import type { StoredRecord } from "../store/telemetry-store.ts";
import type { RenderedRow } from "./events.ts";
import { toText } from "./json-value.ts";
import { type Detail, durationNs, exceptionText } from "./normalize.ts";
import { idOf } from "./record-modes.ts";
import { clean } from "./render/clean.ts";
import { clockTime, formatDuration, isoTime } from "./render/units.ts";
import { lineChars } from "./reply.ts";

/** What a failed assertion compared, by the key of the row. */
const VALUES = [
  ["expected", "gasoline.test.expected"],
  ["actual", "gasoline.test.actual"],
] as const;

/** One test run. Times are ISO 8601. */
export function testRow(record: StoredRecord, detail: Detail): RenderedRow {
  if (record.kind !== "span") throw new Error("Test runs are spans.");
  const run = testRunOf(record);
  const result = run?.result ?? "running";
  const exception = record.events.find(({ name }) => name === "exception");
  const error = record.statusMessage || (exception === undefined ? "" : exceptionText(exception.attributes));
  const values = VALUES.flatMap(([key, attribute]) => {
    const value = exception?.attributes[attribute];
    return value === undefined ? [] : [[key, clean(toText(value), lineChars(detail))] as const];
  });
  const flaky = record.attributes["gasoline.test.flaky"] === true;
  const duration = durationNs(record);
  const name = clean(run?.id ?? record.name, lineChars(detail));
  const traceId = idOf(record, detail);
  return {
    row: {
      id: record.id,
      time: isoTime(record.startNs),
      test: name,
      result,
      ...(duration === undefined ? {} : { duration_ms: nsToMs(duration) }),
      ...(error === "" ? {} : { error: clean(error, lineChars(detail)) }),
      ...Object.fromEntries(values),
      ...(flaky ? { flaky } : {}),
      ...traceId,
    },
    line: [
      clockTime(record.startNs),
      flaky ? `${result} (flaky: failed before)` : result,
      name,
      duration === undefined ? "" : formatDuration(duration),
      error === "" ? "" : `: ${clean(error, lineChars(detail))}`,
      ...values.map(([key, value]) => `${key} ${value}`),
      record.id,
      traceId.trace_id === undefined ? "" : `trace ${traceId.trace_id}`,
    ]
      .filter((part) => part !== "")
      .join(" "),
  };
}
