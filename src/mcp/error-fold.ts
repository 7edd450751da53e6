import { clean, fence } from "../query/render/clean.ts";
import { count } from "../query/render/units.ts";

/** An error record as `/api/stream` tells it, as far as it is read. */
export interface StreamedError {
  readonly id?: unknown;
  readonly timestamp?: unknown;
  readonly message?: unknown;
  readonly trace_id?: unknown;
  readonly source_details?: { readonly backend?: { readonly service?: unknown } };
}

/** Services named in one notification. */
const SERVICES_MAX = 5;
/** Services told apart until then; the rest is counted only. */
const SERVICES_COUNTED_MAX = 100;
const MESSAGE_CHARS = 200;
const SERVICE_CHARS = 60;

interface Folded {
  records: number;
  /** What its newest one says. */
  message: string;
  id: string;
}

/** Errors that wait to be told in one notification. Memory is bounded whatever comes. */
export class ErrorFold {
  #services = new Map<string, Folded>();
  #records = 0;
  #sinceMs = 0;

  get isEmpty(): boolean {
    return this.#records === 0;
  }

  add(error: StreamedError, nowMs: number): void {
    this.#count(1, nowMs);
    const told = error.source_details?.backend?.service;
    const service = clean(typeof told === "string" ? told : "", SERVICE_CHARS) || "browser";
    const folded = this.#services.get(service);
    const message = clean(typeof error.message === "string" ? error.message : "", MESSAGE_CHARS);
    const id = clean(typeof error.id === "string" ? error.id : "", SERVICE_CHARS);
    if (folded !== undefined) Object.assign(folded, { records: folded.records + 1, message, id });
    else if (this.#services.size < SERVICES_COUNTED_MAX)
      this.#services.set(service, { records: 1, message, id });
  }

  /** Records that were too many to be sent one by one. */
  addUnseen(records: number, nowMs: number): void {
    this.#count(records, nowMs);
  }

  #count(records: number, nowMs: number): void {
    if (this.#records === 0) this.#sinceMs = nowMs;
    this.#records += records;
  }

  /** What has come since the last time, as one text: the conclusion, a line a service inside the fence, the next call. */
  take(): string {
    const since = new Date(this.#sinceMs).toISOString();
    const all = [...this.#services].sort(([, a], [, b]) => b.records - a.records);
    const lines = all
      .slice(0, SERVICES_MAX)
      .map(([service, { records, message, id }]) =>
        `- ${service}: ${records}, last: ${message} ${id}`.trimEnd(),
      );
    if (all.length > SERVICES_MAX) lines.push(`- and ${all.length - SERVICES_MAX} more services`);
    const text = [
      `${count(this.#records, "new error record")} since ${since}.`,
      ...(lines.length > 0 ? [fence(lines)] : []),
      `Next: observe ${JSON.stringify({ what: "errors", filter: { since } })}`,
    ].join("\n");
    this.#services = new Map();
    this.#records = 0;
    return text;
  }
}
