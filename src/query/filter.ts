import { type Level, severityOfLevel } from "../model/log.ts";
import type { Stream } from "../model/stream.ts";
import type { Clock } from "../model/time.ts";
import type { AttributeFilter, RecordFilter } from "../store/telemetry-store.ts";
import { isSinceCursor, readSinceCursor } from "./cursor.ts";
import type { FilterKey, ObserveFilter } from "./parameters.ts";
import { tagFilter } from "./tags.ts";
import { parseTime } from "./time-expression.ts";

/** Attributes that name one thing, newest spelling first (semantic conventions 1.45 and what they replaced). */
export const METHOD_KEYS = ["http.request.method", "http.method"] as const;
export const STATUS_KEYS = ["http.response.status_code", "http.status_code"] as const;
export const URL_KEYS = [
  "url.full",
  "http.url",
  "url.path",
  "http.target",
  "http.route",
  "url.template",
] as const;
export const SESSION_KEYS = ["session.id"] as const;
const FILE_KEYS = ["code.file.path", "code.filepath"] as const;
const LINE_KEYS = ["code.line.number", "code.lineno"] as const;

/** The streams that each source of a NormalizedEvent covers. */
const SOURCE_STREAMS: Readonly<Record<NonNullable<ObserveFilter["source"]>, readonly Stream[]>> = {
  browser: ["browser.logs", "browser.network", "browser.dom"],
  backend: ["backend.spans", "backend.logs", "metrics"],
  test: ["tests"],
  git: ["git"],
  custom: ["custom"],
};

/** What a mode asks for by itself, before the asker's filter. */
export interface ModeScope {
  /** Absent: whatever belongs to a trace. */
  readonly kinds?: readonly ("span" | "log" | "metric")[];
  /** Filters that mean nothing for this mode: they are not applied, and the reply names them. */
  readonly ignores: readonly FilterKey[];
  /** What the records of this mode have in common. Filters that it sets belong into `ignores`. */
  readonly base?: Pick<RecordFilter, "streams" | "name" | "attributes">;
}

export interface StoreFilter {
  readonly filter: RecordFilter;
  /** Filters that were given and not applied. */
  readonly ignored: readonly string[];
}

/**
 * The store's filter for a mode and the asker's filter. `traceId` and `spanId` are the full ids that the asker's
 * (which may be a prefix, or a record's short id) were resolved to; `filter.id` is the caller's to resolve.
 * Throws GasolineError on a time or `since` cursor that cannot be read.
 */
export function toStoreFilter(
  asked: ObserveFilter,
  scope: ModeScope,
  ids: { readonly traceId?: string | undefined; readonly spanId?: string | undefined },
  store: { readonly epoch: string },
  clock: Clock,
): StoreFilter {
  const ignored = scope.ignores.filter((key) => asked[key] !== undefined);
  const used: ObserveFilter = { ...asked };
  for (const key of ignored) delete used[key];

  const { since, until } = used;
  const severity = Math.max(
    severityOf(used.level),
    severityOf(used.status === "error" ? "error" : undefined),
  );
  const attributes = [...(scope.base?.attributes ?? []), ...attributeFilters(used)];
  const filter: RecordFilter = {
    ...scope.base,
    ...(scope.kinds === undefined ? {} : { kinds: scope.kinds }),
    ...(used.source === undefined ? {} : { streams: SOURCE_STREAMS[used.source] }),
    ...(since === undefined
      ? {}
      : isSinceCursor(since)
        ? { afterArrival: readSinceCursor(since, store.epoch) }
        : { sinceNs: parseTime(since, "filter.since", clock) }),
    ...(until === undefined ? {} : { untilNs: parseTime(until, "filter.until", clock) }),
    ...(ids.traceId === undefined ? {} : { traceId: ids.traceId }),
    ...(ids.spanId === undefined ? {} : { spanId: ids.spanId }),
    ...(used.service === undefined ? {} : { service: used.service }),
    ...(used.name === undefined ? {} : { name: used.name }),
    ...(severity > 0 ? { severityMin: severity } : {}),
    ...(attributes.length > 0 ? { attributes } : {}),
    ...(used.text === undefined ? {} : { text: used.text }),
  };
  return { filter, ignored };
}

function severityOf(level: Level | undefined): number {
  return level === undefined ? 0 : severityOfLevel(level);
}

function attributeFilters(asked: ObserveFilter): AttributeFilter[] {
  const filters: AttributeFilter[] = [];
  const equals = (keys: readonly string[], value: string): void => {
    filters.push({ keys, match: { op: "equals", value } });
  };
  const contains = (keys: readonly string[], value: string): void => {
    filters.push({ keys, match: { op: "contains", value } });
  };
  if (asked.method !== undefined) equals(METHOD_KEYS, asked.method.toUpperCase());
  if (asked.status !== undefined && asked.status !== "error")
    filters.push(statusFilter(String(asked.status)));
  if (asked.url !== undefined) contains(URL_KEYS, asked.url);
  if (asked.session_id !== undefined) equals(SESSION_KEYS, asked.session_id);
  if (asked.file !== undefined) contains(FILE_KEYS, asked.file);
  if (asked.line !== undefined) equals(LINE_KEYS, String(asked.line));
  for (const tag of asked.tags ?? []) filters.push(tagFilter(tag));
  for (const [key, condition] of Object.entries(asked.attributes ?? {})) {
    filters.push({ keys: [key], match: matchOf(condition) });
  }
  return filters;
}

/** `404` or `5xx` as a range of the status attribute. */
function statusFilter(status: string): AttributeFilter {
  const hundreds = /^[1-5]xx$/i.test(status) ? Number(status[0]) * 100 : undefined;
  const min = hundreds ?? Number(status);
  const max = hundreds === undefined ? min : hundreds + 99;
  return { keys: STATUS_KEYS, match: { op: "between", min, max } };
}

type Condition = NonNullable<ObserveFilter["attributes"]>[string];

function matchOf(condition: Condition): AttributeFilter["match"] {
  if (typeof condition !== "object") return { op: "equals", value: String(condition) };
  if ("contains" in condition) return { op: "contains", value: condition.contains };
  if ("exists" in condition) return { op: "exists" };
  return {
    op: "between",
    min: condition.min ?? Number.NEGATIVE_INFINITY,
    max: condition.max ?? Number.POSITIVE_INFINITY,
  };
}
