import type { ServerResponse } from "node:http";
import { GasolineError } from "../model/errors.ts";
import type { Clock } from "../model/time.ts";
import { eventLine } from "../query/event-line.ts";
import { LOGS, TIMELINE } from "../query/events.ts";
import { toStoreFilter } from "../query/filter.ts";
import { TOOL_CALLS } from "../query/noise.ts";
import { normalize } from "../query/normalize.ts";
import { parseObserve } from "../query/parameters.ts";
import { resolveIds } from "../query/resolve-ids.ts";
import type { RecordFilter, TelemetryStore } from "../store/telemetry-store.ts";

/** Records that wait for one client; the oldest make way for newer ones. */
const QUEUE_RECORDS_MAX = 2_000;
/** Bytes that a client has not taken yet, past which nothing more is written to it. */
const UNSENT_BYTES_MAX = 256 * 1024;
const CLIENTS_MAX = 32;
/** A comment keeps the connection known to be alive. */
const ALIVE_MS = 15_000;
const LINE_CHARS = 400;

/** What can be followed, with the records it means. */
const FOLLOWED = {
  timeline: TIMELINE,
  logs: LOGS,
  errors: { ...TIMELINE, severityMin: 17 },
} as const;

/**
 * `GET /api/stream`: records as they arrive, as server-sent events. Filters are those of observe. `event: record` holds
 * a NormalizedEvent and its `line` of text; `event: dropped` says how many a slow client missed since it was told last.
 */
export class LiveStreams {
  readonly #store: TelemetryStore;
  readonly #clock: Clock;
  readonly #open = new Set<() => void>();

  constructor(store: TelemetryStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Reads the question; what comes back writes the answer until the client leaves. Throws GasolineError:
   * `bad_parameter`, `not_found` for ids, `overloaded`.
   */
  async prepare(
    input: object,
  ): Promise<(response: ServerResponse, headers: Readonly<Record<string, string>>) => Promise<void>> {
    if (this.#open.size >= CLIENTS_MAX) {
      throw new GasolineError(
        "overloaded",
        `${CLIENTS_MAX} clients follow already.`,
        "Close one of them.",
        5,
      );
    }
    const query = parseObserve({ what: "timeline", ...input });
    if (!Object.hasOwn(FOLLOWED, query.what)) {
      throw new GasolineError(
        "bad_parameter",
        `what=${query.what} cannot be followed.`,
        `Follow ${Object.keys(FOLLOWED).join(", ")}.`,
      );
    }
    const mode = FOLLOWED[query.what as keyof typeof FOLLOWED];
    const ids = await resolveIds(this.#store, query.filter);
    if (ids.found !== "yes")
      throw new GasolineError("not_found", ids.reason, "Leave the id out to follow everything.");
    const { filter } = toStoreFilter(query.filter, mode, ids, this.#store, this.#clock);
    const severityMin = Math.max(filter.severityMin ?? 0, "severityMin" in mode ? mode.severityMin : 0);
    const asked = { ...filter, not: [TOOL_CALLS], ...(severityMin > 0 ? { severityMin } : {}) };
    return (response, headers) => this.#follow(asked, response, headers);
  }

  async #follow(
    filter: RecordFilter,
    response: ServerResponse,
    headers: Readonly<Record<string, string>>,
  ): Promise<void> {
    const subscription = this.#store.subscribe(filter, QUEUE_RECORDS_MAX);
    response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8" });
    response.write(": following\n\n");
    const alive = setInterval(() => response.write(": alive\n\n"), ALIVE_MS);
    const end = (): void => {
      clearInterval(alive);
      subscription.close();
      this.#open.delete(end);
      response.end();
    };
    this.#open.add(end);
    response.once("close", end);
    let told = 0;
    for await (const record of subscription) {
      if (subscription.dropped > told) {
        response.write(message("dropped", { records: subscription.dropped - told }));
        told = subscription.dropped;
      }
      const detail = { compact: true, charsMax: LINE_CHARS } as const;
      response.write(message("record", { ...normalize(record, detail), line: eventLine(record, detail) }));
      if (response.writableLength > UNSENT_BYTES_MAX) await drained(response);
    }
  }

  close(): void {
    for (const end of [...this.#open]) end();
  }
}

function message(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
    if (response.destroyed) done();
  });
}
