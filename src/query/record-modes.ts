import type { StoredRecord } from "../store/telemetry-store.ts";
import type { ListMode, RenderedRow } from "./events.ts";
import { toText } from "./json-value.ts";
import { type Detail, timeOf } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { clockTime, isoTime } from "./render/units.ts";
import { lineChars } from "./reply.ts";
import { shortTraceId } from "./short-id.ts";

const EXTENSION =
  "They come from the browser extension: `gasoline extension` sets it up; a page's own OpenTelemetry web SDK sends them as well.";

/** Commits, checkouts and changed files. */
export const GIT: ListMode = {
  kinds: ["log"],
  ignores: ["source"],
  base: { streams: ["git"] },
  noun: "git event",
  source: "`gasoline git` in the repository sends them.",
  rowOf: (record, detail) =>
    namedRow(record, detail, [
      "vcs.ref.head.name",
      "vcs.ref.head.revision",
      "code.file.path",
      "gasoline.git.files.count",
    ]),
  leadsToTrace: false,
};

/** Web vitals (LCP, INP, CLS …). */
export const VITALS: ListMode = {
  kinds: ["log"],
  ignores: ["source", "name"],
  base: { name: "browser.web_vital" },
  noun: "web vital",
  source: EXTENSION,
  rowOf: (record, detail) =>
    namedRow(record, detail, [
      "browser.web_vital.name",
      "browser.web_vital.value",
      "browser.web_vital.rating",
      "url.full",
    ]),
  leadsToTrace: false,
};

/** What the user did in the page, in event names. */
export const ACTIONS: ListMode = {
  kinds: ["log"],
  ignores: ["source", "name"],
  names: [
    "browser.user_action",
    "browser.navigation",
    "gasoline.browser.input",
    "gasoline.browser.submit",
    "gasoline.browser.key",
  ],
  noun: "user action",
  source: EXTENSION,
  rowOf: (record, detail) => namedRow(record, detail, ["gasoline.selector", "url.full"]),
  leadsToTrace: true,
};

export const WEBSOCKET_EVENTS: ListMode = {
  ignores: ["source", "name"],
  base: { streams: ["browser.network"], name: "websocket." },
  noun: "websocket event",
  source: EXTENSION,
  rowOf: (record, detail) => namedRow(record, detail, ["url.full", "websocket.message.size"]),
  leadsToTrace: false,
};

export const SCREENSHOTS: ListMode = {
  kinds: ["log"],
  ignores: ["source", "name"],
  base: { streams: ["browser.dom"], name: "gasoline.browser.screenshot" },
  noun: "screenshot",
  source: EXTENSION,
  rowOf: (record, detail) => namedRow(record, detail, ["url.full", "gasoline.browser.screenshot.format"]),
  leadsToTrace: false,
};

/** An event by its name, what it says and the attributes that tell most of it. Times are ISO 8601. */
function namedRow(record: StoredRecord, detail: Detail, keys: readonly string[]): RenderedRow {
  const chars = lineChars(detail);
  const event = record.kind === "log" ? record.eventName : record.name;
  const body = record.kind === "log" ? clean(toText(record.body), chars) : "";
  const told = Object.create(null) as Record<string, unknown>;
  const own = Object.entries(record.attributes).filter(
    ([key]) => keys.includes(key) || key.startsWith(event),
  );
  for (const [key, value] of own) {
    told[clean(key, 100)] = typeof value === "number" ? value : clean(toText(value), chars);
  }
  const traceId = idOf(record, detail);
  const words = Object.entries(told).map(([key, value]) => `${key}=${String(value)}`);
  return {
    row: {
      id: record.id,
      time: isoTime(timeOf(record)),
      event: clean(event, 100),
      ...(body === "" ? {} : { message: body }),
      ...(own.length === 0 ? {} : { attributes: told }),
      ...traceId,
    },
    line: [
      clockTime(timeOf(record)),
      clean(event, 100),
      body,
      ...words,
      record.id,
      traceId.trace_id === undefined ? "" : `trace ${traceId.trace_id}`,
    ]
      .filter((part) => part !== "")
      .join(" "),
  };
}

/** The trace of a record, short where room is short; nothing where it has none. */
export function idOf(record: StoredRecord, detail: Detail): { trace_id?: string } {
  if (record.kind === "metric" || record.traceId === "") return {};
  return { trace_id: detail.compact ? shortTraceId(record.traceId, timeOf(record)) : record.traceId };
}
