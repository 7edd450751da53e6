import type { Socket } from "node:net";
import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { type ExchangeBody, readExchange, writeExchange } from "../query/exchange-file.ts";
import { SESSION_KEYS } from "../query/filter.ts";
import { readInput } from "../query/read-input.ts";
import { resolveIds } from "../query/resolve-ids.ts";
import { parseTime } from "../query/time-expression.ts";
import { whyNotFound } from "../query/why-empty.ts";
import type { RecordFilter, TelemetryStore } from "../store/telemetry-store.ts";
import type { ImportBody } from "./api-types.ts";

/** The largest file that is taken: what a store holds by default, in base64. */
export const EXCHANGE_BYTES_MAX = 128 * 1024 * 1024;
const TRACES_MAX = 10_000;
export const EXCHANGE_TYPE = "application/x-ndjson";

const text = z.string().min(1).max(200);
const exportSchema = z.strictObject({
  trace_id: text.optional().describe("trace id, or its first 8 or more hex digits"),
  session_id: text.optional().describe("session.id"),
  since: text.optional().describe("ISO 8601, Unix ms or -15m"),
  until: text.optional().describe("ISO 8601, Unix ms or -5m"),
});

interface ExchangeParts {
  readonly store: TelemetryStore;
  readonly clock: Clock;
  readonly config: { readonly apiKey: string };
}

/** `GET /api/export`: the lines of a file (query/exchange-file.ts). Refusals are thrown before the first. */
export async function exportLines(
  { store, clock }: ExchangeParts,
  query: unknown,
): Promise<AsyncIterable<string>> {
  const scope = readInput(exportSchema, query, "export", { since: "-15m" });
  return writeExchange(bodiesOf(store, await filtersOf(store, clock, scope)), scope);
}

/** `POST /api/import`: takes such a file whole or not at all. `socket` tells where this daemon listens. */
export async function importFile(
  { config }: ExchangeParts,
  file: unknown,
  socket: Socket,
): Promise<ImportBody> {
  if (!(file instanceof Uint8Array)) {
    throw new GasolineError(
      "wrong_content_type",
      "The body is no file of records.",
      `Send what \`gasoline export\` wrote as ${EXCHANGE_TYPE}, or call \`gasoline import FILE\`.`,
    );
  }
  const bodies = readExchange(file);
  for (const body of bodies) await sendToOwnDoor(socket, body, config.apiKey);
  return { bodies: bodies.length };
}

/** What the scope means to the store; disjoint, so that nothing is written twice. */
async function filtersOf(
  store: TelemetryStore,
  clock: Clock,
  { trace_id, session_id, since, until }: z.infer<typeof exportSchema>,
): Promise<readonly RecordFilter[]> {
  const window: RecordFilter = {
    ...(since === undefined ? {} : { sinceNs: parseTime(since, "since", clock) }),
    ...(until === undefined ? {} : { untilNs: parseTime(until, "until", clock) }),
  };
  if (trace_id !== undefined) {
    const ids = await resolveIds(store, { trace_id });
    const lookup = ids.found === "yes" ? await store.trace(ids.traceId ?? trace_id) : ids;
    if (lookup.found === "yes") return [{ ...window, traceId: lookup.value.traceId }];
    throw new GasolineError(
      lookup.found === "never_seen" ? "not_found" : lookup.found,
      whyNotFound(lookup),
      "`gasoline observe traces` lists those that are held.",
    );
  }
  if (session_id === undefined) return [window];
  const ofSession: RecordFilter = {
    ...window,
    attributes: [{ keys: SESSION_KEYS, match: { op: "equals", value: session_id } }],
  };
  if ((await store.records({ filter: ofSession, order: "newest", limit: 1 })).total === 0) {
    throw new GasolineError(
      "not_found",
      `No record of session ${JSON.stringify(session_id)} is held.`,
      "`gasoline observe actions --json` names the sessions of actions.",
    );
  }
  // The session is known on the page's records alone; what servers did for it is in its traces.
  const { traces } = await store.traces({ filter: ofSession, limit: TRACES_MAX });
  const filters = traces.map(({ traceId }): RecordFilter => ({ traceId }));
  return [...filters, filters.length === 0 ? ofSession : { ...ofSession, not: filters }];
}

async function* bodiesOf(
  store: TelemetryStore,
  filters: readonly RecordFilter[],
): AsyncGenerator<ExchangeBody> {
  for (const filter of filters) yield* store.exportRaw(filter);
}

/** Through the door that every SDK uses, so that limits, counters and rejections are the same. */
async function sendToOwnDoor(socket: Socket, { signal, body }: ExchangeBody, apiKey: string): Promise<void> {
  const { localAddress = "127.0.0.1", localPort } = socket;
  const host = localAddress.includes(":") ? `[${localAddress}]` : localAddress;
  const response = await fetch(`http://${host}:${localPort}/v1/${signal}`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf", ...(apiKey === "" ? {} : { "x-api-key": apiKey }) },
    body: new Uint8Array(body),
  });
  await response.arrayBuffer();
  if (response.ok) return;
  throw new GasolineError(
    "overloaded",
    `The receiver answered ${response.status} in the middle of the file.`,
    "Import it again: spans that are there twice count once.",
  );
}
