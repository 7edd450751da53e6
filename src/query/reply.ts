import type { NormalizedEvent } from "../model/event.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import { isSinceCursor } from "./cursor.ts";
import type { Detail } from "./normalize.ts";
import type { ObserveFilter, ObserveQuery, What } from "./parameters.ts";
import type { ObserveContext, ObserveMetadata, Row } from "./shapes.ts";

/** What every mode is called with. */
export interface Question {
  readonly store: TelemetryStore;
  readonly query: ObserveQuery;
  readonly context: ObserveContext;
}

/** What a mode found, ready to be shown in any number of rows and any detail: the budget decides which. */
export interface Draft {
  readonly rowsMax: number;
  /** Pure: the same arguments give the same body. More rows or more detail never take fewer bytes. */
  readonly build: (rows: number, detail: Detail) => Body;
}

/** A reply before it is laid out: `lines` are the text form of the events or rows, cleaned, one line each. */
export interface Body {
  /** Holds no text of telemetry: it stands outside the fence. */
  readonly summary: string;
  readonly events?: readonly NormalizedEvent[];
  readonly rows?: readonly Row[];
  readonly lines: readonly string[];
  readonly metadata: Omit<ObserveMetadata, "query_time_ms">;
}

/** Characters of one string in a text line when nothing else bounds it. */
const LINE_CHARS_MAX = 2_000;

export function lineChars(detail: Detail): number {
  return detail.compact ? Math.min(detail.charsMax, LINE_CHARS_MAX) : LINE_CHARS_MAX;
}

/** A call that leads on, as text: `observe {"what":"trace","filter":{"trace_id":"3fa2b1c0"}}`. */
export function callText(
  what: What,
  filter: ObserveFilter,
  more: { readonly after_cursor?: string; readonly before_cursor?: string; readonly wait_ms?: number } = {},
): string {
  const given = Object.keys(filter).length === 0 ? {} : { filter };
  return `observe ${JSON.stringify({ what, ...given, ...more })}`;
}

/**
 * The call that names the cause of what went wrong in the time and at the service asked about, as text: of what
 * deviates, or with a symptom of that alone.
 */
export function causeCall(
  { since, until, service, trace_id }: Pick<ObserveFilter, "since" | "until" | "service" | "trace_id">,
  symptom?: "status=error",
): string {
  const times = Object.entries({ since, until }).filter(
    // Analyses take times alone, no cursors.
    ([, time]) => time !== undefined && !isSinceCursor(time),
  );
  const scope = {
    ...(symptom === undefined ? {} : { symptom }),
    ...Object.fromEntries(times),
    ...(service === undefined ? {} : { service }),
    ...(trace_id === undefined ? {} : { trace_id }),
  };
  return `analyze ${JSON.stringify({ type: "causality_chain", ...scope })}`;
}

/**
 * Renders rows one by one and keeps what was rendered, as long as the detail stays the same: finding the number
 * of rows that fits builds the same rows several times.
 */
export function keepRendered<R, T>(
  render: (record: R, detail: Detail) => T,
): (record: R, detail: Detail) => T {
  let kept = new Map<R, T>();
  let keptFor: Detail | undefined;
  return (record, detail) => {
    if (keptFor === undefined || charsOf(keptFor) !== charsOf(detail)) kept = new Map();
    keptFor = detail;
    let rendered = kept.get(record);
    if (rendered === undefined) {
      rendered = render(record, detail);
      kept.set(record, rendered);
    }
    return rendered;
  };
}

function charsOf(detail: Detail): number {
  return detail.compact ? detail.charsMax : Number.POSITIVE_INFINITY;
}
