import { nsToMs } from "../model/time.ts";
import type { StoredRecord, StoredSpan } from "../store/telemetry-store.ts";
import { type ListMode, observeEvents, type Related, type RenderedRow } from "./events.ts";
import { METHOD_KEYS, STATUS_KEYS, URL_KEYS } from "./filter.ts";
import { toText } from "./json-value.ts";
import { type Detail, durationNs } from "./normalize.ts";
import { idOf } from "./record-modes.ts";
import { clean } from "./render/clean.ts";
import { clockTime, formatDuration, isoTime } from "./render/units.ts";
import { type Draft, lineChars, type Question } from "./reply.ts";

const BODY_KEYS = ["http.request.body.content", "http.response.body.content"] as const;
const REQUEST = { keys: METHOD_KEYS, match: { op: "exists" } } as const;
/** Traces whose server side is looked for in one reply: reading one decodes all of it. */
const TRACES_MAX = 50;

/** Requests of the page, each with the server span that answered it. */
const WATERFALL: ListMode = {
  kinds: ["span"],
  ignores: ["source"],
  base: { streams: ["browser.network"], attributes: [REQUEST] },
  noun: "request",
  source:
    "Requests of the page come from the browser extension (`gasoline extension` sets it up) or the page's own OpenTelemetry web SDK.",
  rowOf: (record, detail, related) => requestRow(record, detail, related, false),
  relate: serverSides,
  leadsToTrace: true,
};

/** As long as no page sends anything: the requests between services. */
const BACKEND_WATERFALL: ListMode = {
  ...WATERFALL,
  base: { streams: ["backend.spans"], attributes: [REQUEST] },
};

/** Requests whose bodies were captured. */
export const NETWORK_BODIES: ListMode = {
  kinds: ["span"],
  ignores: [],
  base: { attributes: [{ keys: BODY_KEYS, match: { op: "exists" } }] },
  noun: "captured body",
  source:
    "Capture of bodies is off: switch it on in the extension's popup, or set http.request.body.content and http.response.body.content on your spans.",
  rowOf: (record, detail, related) => requestRow(record, detail, related, true),
  leadsToTrace: true,
};

/**
 * HTTP requests, the newest first: those of pages, or, when no page sends any or `source` is backend, those of
 * services. Browser and server side of a request are one row.
 */
export async function observeWaterfall(question: Question): Promise<Draft> {
  const { store, query } = question;
  const page = store.stats().streams.find(({ stream }) => stream === "browser.network");
  const isBackend =
    query.filter.source === "backend" || (query.filter.source === undefined && (page?.records ?? 0) === 0);
  const held = store.stats().streams.find(({ stream }) => stream === "backend.spans");
  return observeEvents(question, isBackend && (held?.records ?? 0) > 0 ? BACKEND_WATERFALL : WATERFALL);
}

/** Server spans by the id of the client span that they answered, in the traces of a page. */
async function serverSides({ store }: Question, records: readonly StoredRecord[]): Promise<Related> {
  const traceIds = new Set(
    records.flatMap((record) =>
      record.kind === "span" && record.spanKind === "client" ? [record.traceId] : [],
    ),
  );
  const asked = new Set(records.map((record) => (record.kind === "span" ? record.spanId : "")));
  const servers = new Map<string, StoredSpan>();
  for (const traceId of [...traceIds].slice(0, TRACES_MAX)) {
    const lookup = await store.trace(traceId);
    if (lookup.found !== "yes") continue;
    for (const span of lookup.value.spans) {
      if (span.spanKind === "server" && asked.has(span.parentSpanId)) servers.set(span.parentSpanId, span);
    }
  }
  return servers;
}

/** One request. Times are ISO 8601, durations in ms; `network_ms` is the client's time less the server's. */
function requestRow(
  record: StoredRecord,
  detail: Detail,
  servers: Related,
  withBodies: boolean,
): RenderedRow {
  if (record.kind !== "span") throw new Error("Requests are spans.");
  const chars = lineChars(detail);
  const first = (keys: readonly string[]): string =>
    clean(keys.map((key) => toText(record.attributes[key])).find((text) => text !== "") ?? "", chars);
  const method = first(METHOD_KEYS);
  const url = first(URL_KEYS);
  const status = first(STATUS_KEYS) || (record.statusCode === "error" ? "failed" : "");
  const duration = durationNs(record);
  const server = servers.get(record.spanId);
  const side = server === undefined ? undefined : serverSide(server, duration);
  const traceId = idOf(record, detail);
  const bodies = withBodies ? bodiesOf(record, chars) : {};
  return {
    row: {
      id: record.id,
      time: isoTime(record.startNs),
      service: clean(record.resource.service, 60),
      method,
      url,
      ...(record.spanKind === "server" ? { kind: "server" } : {}),
      ...(status === "" ? {} : { status: Number(status) || status }),
      ...(duration === undefined ? {} : { duration_ms: nsToMs(duration) }),
      ...(side === undefined ? {} : side),
      ...(record.statusMessage === "" ? {} : { error: clean(record.statusMessage, chars) }),
      ...bodies,
      ...traceId,
    },
    line: [
      clockTime(record.startNs),
      clean(record.resource.service, 60),
      record.spanKind === "server" ? `answers ${method}` : method,
      url,
      status,
      duration === undefined ? "open" : formatDuration(duration),
      side === undefined
        ? ""
        : `(${side.server.service} ${side.server.duration_ms} ms, network ${side.network_ms} ms)`,
      ...Object.entries(bodies).map(([key, body]) => `${key}=${body}`),
      record.id,
      traceId.trace_id === undefined ? "" : `trace ${traceId.trace_id}`,
    ]
      .filter((part) => part !== "")
      .join(" "),
  };
}

function serverSide(server: StoredSpan, clientNs: bigint | undefined) {
  const serverNs = durationNs(server) ?? 0n;
  return {
    server: { id: server.id, service: clean(server.resource.service, 60), duration_ms: nsToMs(serverNs) },
    network_ms: clientNs === undefined || clientNs < serverNs ? 0 : nsToMs(clientNs - serverNs),
  };
}

function bodiesOf(record: StoredSpan, chars: number): { request_body?: string; response_body?: string } {
  const [request, response] = BODY_KEYS.map((key) => toText(record.attributes[key]));
  return {
    ...(request === undefined || request === "" ? {} : { request_body: clean(request, chars) }),
    ...(response === undefined || response === "" ? {} : { response_body: clean(response, chars) }),
  };
}
