import { type Attributes, stringAttribute } from "../model/attributes.ts";
import type { NormalizedEvent } from "../model/event.ts";
import { type Level, levelOfSeverity, logTimeNs } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import type { Stream } from "../model/stream.ts";
import { nsToMs } from "../model/time.ts";
import type { StoredPoint, StoredRecord, StoredSpan } from "../store/telemetry-store.ts";
import { METHOD_KEYS, SESSION_KEYS, STATUS_KEYS, URL_KEYS } from "./filter.ts";
import { attributesToJson, toText } from "./json-value.ts";
import { clean } from "./render/clean.ts";
import { shortTraceId } from "./short-id.ts";
import { tagsOf } from "./tags.ts";

/** How much of a record is shown. */
export type Detail =
  /** Everything, exactly as it was sent (masked): for programs. */
  | { readonly compact: false }
  /** For a model with little room: short trace ids, strings cleaned and cut, only the telling attributes. */
  | { readonly compact: true; readonly charsMax: number };

/** One record in the shape that every reply uses. */
export function normalize(record: StoredRecord, detail: Detail): NormalizedEvent {
  const attributes = record.attributes;
  const source = SOURCE_OF_STREAM[record.stream];
  const shown = (text: string): string => (detail.compact ? clean(text, detail.charsMax) : text);
  const ids = idsOf(record, detail);
  const session = stringAttribute(attributes, SESSION_KEYS[0]);
  const correlation = session ?? ids.trace_id;
  return {
    id: record.id,
    timestamp: nsToMs(timeOf(record)),
    source,
    level: levelOf(record),
    ...(correlation === undefined || (detail.compact && session === undefined)
      ? {}
      : { correlation_id: shown(correlation) }),
    ...ids,
    message: shown(messageOf(record)),
    metadata: metadataOf(record, detail),
    tags: tagsOf(attributes).map(shown),
    source_details: sourceDetails(record, source, shown),
  };
}

const SOURCE_OF_STREAM: Readonly<Record<Stream, NormalizedEvent["source"]>> = {
  "browser.logs": "browser",
  "browser.network": "browser",
  "browser.dom": "browser",
  "backend.spans": "backend",
  "backend.logs": "backend",
  metrics: "backend",
  tests: "test",
  git: "git",
  custom: "custom",
};

/** When a record happened, in Unix ns: a span's start, a log's time or observation, a point's time. */
export function timeOf(record: StoredRecord): bigint {
  if (record.kind === "span") return record.startNs;
  return record.kind === "log" ? logTimeNs(record) : record.timeNs;
}

export function levelOf(record: StoredRecord): Level {
  if (record.kind === "log") return levelOfSeverity(record.severity);
  return record.kind === "span" && record.statusCode === "error" ? "error" : "info";
}

/** What happened, in one line of the record's own words. */
export function messageOf(record: StoredRecord): string {
  if (record.kind === "span") {
    return record.statusMessage === "" ? record.name : `${record.name}: ${record.statusMessage}`;
  }
  if (record.kind === "metric") return `${record.name} ${pointText(record)}`.trim();
  const body = toText(record.body);
  if (body !== "") return body;
  const exception = exceptionText(record.attributes);
  return exception !== "" ? exception : record.eventName;
}

/** `Type: message` of `exception.*` attributes, as far as they are there; `""` when neither is. */
export function exceptionText(attributes: Attributes): string {
  return [toText(attributes["exception.type"]), toText(attributes["exception.message"])]
    .filter((part) => part !== "")
    .join(": ");
}

function pointText(point: StoredPoint): string {
  if (point.value !== null) return `${point.value} ${point.unit}`;
  return point.count === undefined
    ? ""
    : `count ${point.count}, sum ${point.sum ?? "not given"} ${point.unit}`;
}

function idsOf(
  record: StoredRecord,
  detail: Detail,
): { trace_id?: string; span_id?: string; parent_span_id?: string } {
  if (record.kind === "metric" || record.traceId === "") return {};
  // A short reply names a record by its id alone, which leads to its span and parent.
  if (detail.compact) return { trace_id: shortTraceId(record.traceId, timeOf(record)) };
  return {
    trace_id: record.traceId,
    ...(record.spanId === "" ? {} : { span_id: record.spanId }),
    ...(record.kind === "span" && record.parentSpanId !== "" ? { parent_span_id: record.parentSpanId } : {}),
  };
}

type Metadata = NormalizedEvent["metadata"];

function metadataOf(record: StoredRecord, detail: Detail): Metadata {
  const own = ownMetadata(record, detail);
  if (detail.compact) {
    const countMax = detail.charsMax >= ROOMY_CHARS ? TELLING_COUNT.roomy : TELLING_COUNT.tight;
    return { ...own, ...tellingAttributes(record.attributes, countMax) };
  }
  return {
    ...own,
    attributes: attributesToJson(record.attributes),
    resource: attributesToJson(record.resource.attributes),
    ...(record.scope.name === "" ? {} : { scope: record.scope.name }),
  };
}

function ownMetadata(record: StoredRecord, detail: Detail): Metadata {
  if (record.kind === "span") return spanMetadata(record, detail);
  return record.kind === "log" && record.eventName !== "" ? { event_name: record.eventName } : {};
}

function spanMetadata(span: StoredSpan, detail: Detail): Metadata {
  const duration = durationNs(span);
  const base = {
    kind: span.spanKind,
    ...(duration === undefined ? { open: true } : { duration_ms: nsToMs(duration) }),
    ...(span.statusCode === "unset" ? {} : { status: span.statusCode }),
  };
  if (detail.compact) return base;
  return {
    ...base,
    ...(span.statusMessage === "" ? {} : { status_message: span.statusMessage }),
    ...(span.events.length === 0
      ? {}
      : {
          events: span.events.map((event) => ({
            timestamp: nsToMs(event.timeNs),
            name: event.name,
            attributes: attributesToJson(event.attributes),
          })),
        }),
    ...(span.links.length === 0
      ? {}
      : {
          links: span.links.map((link) => ({
            trace_id: link.traceId,
            span_id: link.spanId,
            attributes: attributesToJson(link.attributes),
          })),
        }),
  };
}

/** A span's length in ns, never negative; undefined while it is open (sent without an end). */
export function durationNs(span: Span): bigint | undefined {
  if (span.endNs === 0n) return undefined;
  return span.endNs < span.startNs ? 0n : span.endNs - span.startNs;
}

/** Attributes worth their bytes in a short reply, in order. */
const TELLING_KEYS = [
  ...STATUS_KEYS,
  ...URL_KEYS,
  "rpc.service",
  "rpc.method",
  "rpc.grpc.status_code",
  "db.system.name",
  "db.system",
  "db.query.text",
  "db.statement",
  "messaging.destination.name",
  "error.type",
  "exception.type",
  "exception.message",
  ...METHOD_KEYS,
] as const;
const TELLING_COUNT = { roomy: 6, tight: 2 } as const;
const ROOMY_CHARS = 600;
const ATTRIBUTE_CHARS = 120;

function tellingAttributes(attributes: Attributes, countMax: number): Metadata {
  const telling: { [key: string]: unknown } = Object.create(null);
  let count = 0;
  let urlShown = false;
  for (const key of TELLING_KEYS) {
    const value = attributes[key];
    const isUrl = (URL_KEYS as readonly string[]).includes(key);
    if (value === undefined || count === countMax || (isUrl && urlShown)) continue;
    urlShown ||= isUrl;
    telling[key] =
      typeof value === "number" || typeof value === "boolean" ? value : clean(toText(value), ATTRIBUTE_CHARS);
    count++;
  }
  return telling;
}

function sourceDetails(
  record: StoredRecord,
  source: NormalizedEvent["source"],
  shown: (text: string) => string,
): NormalizedEvent["source_details"] {
  const { attributes, resource } = record;
  const own = (...keys: string[]): string => {
    for (const key of keys) {
      const value = stringAttribute(attributes, key) ?? stringAttribute(resource.attributes, key);
      if (value !== undefined) return shown(value);
    }
    return "";
  };
  if (source === "browser") {
    const url = own("url.full", "http.url", "browser.url");
    return { browser: { url, origin: URL.canParse(url) ? new URL(url).origin : "" } };
  }
  if (source === "test")
    return {
      test: {
        framework: own("test.framework", "test.framework.name"),
        file: own("code.file.path", "code.filepath"),
      },
    };
  if (source === "git")
    return {
      git: {
        repo: own("vcs.repository.name", "vcs.repository.url.full"),
        commit: own("vcs.ref.head.revision"),
      },
    };
  return { backend: { service: shown(resource.service), host: own("host.name") } };
}
