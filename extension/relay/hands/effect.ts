import type { StepEffect } from "../../../src/http/api-types.ts";
import type { BrowserRecord } from "../../model/records.ts";
import type { RelayContext } from "../context.ts";
import { DomChanges } from "./dom-changes.ts";
import { pause } from "./find.ts";

/** No request under way and no change for this long is quiet. */
const QUIET_MS = 100;
/** A page that never rests is not waited for longer. */
const SETTLE_MS_MAX = 2_000;
const LOOK_EVERY_MS = 20;
const ROWS_MAX = 50;
const CHARS_MAX = 500;

type Rows<K extends "console" | "requests"> = StepEffect[K][number][];

/**
 * What a step causes, from the moment this is made: console lines, requests with their traces, errors, and how the
 * page changed. Rows beyond 50 of a kind are left out. Call `stop` when done.
 */
export class EffectWatch {
  readonly #context: RelayContext;
  readonly #changes: DomChanges | undefined;
  readonly #startMs = performance.now();
  readonly #console: Rows<"console"> = [];
  readonly #requests: Rows<"requests"> = [];
  readonly #errors: string[] = [];
  readonly #untap: () => void;

  /** `page` watches from the start of a page, when all of it appears, so that changes would say nothing. */
  constructor(context: RelayContext, of: "step" | "page") {
    this.#context = context;
    this.#changes = of === "step" ? new DomChanges() : undefined;
    this.#untap = context.tap((record) => this.#note(record));
  }

  /** Resolves when the page is quiet, at most 2 s from now. Rejects when the signal says so. */
  async settle(signal: AbortSignal): Promise<void> {
    const startMs = performance.now();
    while (performance.now() - startMs < SETTLE_MS_MAX) {
      const { requestsInFlight, lastDomChangeMs, lastRequestEndMs } = this.#context.quiet();
      const busyMs = Math.max(startMs, lastDomChangeMs, lastRequestEndMs);
      if (requestsInFlight === 0 && performance.now() - busyMs >= QUIET_MS) return;
      await pause(LOOK_EVERY_MS, signal);
    }
  }

  /** What was caused until now. */
  effect(): StepEffect {
    const traceId = this.#context.traceId();
    return {
      duration_ms: Math.round(performance.now() - this.#startMs),
      url: location.href,
      ...(traceId === "" ? {} : { trace_id: traceId }),
      console: this.#console,
      requests: this.#requests,
      errors: this.#errors,
      dom: this.#changes?.summary() ?? `page "${document.title}" loaded`,
    };
  }

  stop(): void {
    this.#untap();
    this.#changes?.stop();
  }

  #note(record: BrowserRecord): void {
    if (record.kind === "span") {
      const method = record.attributes["http.request.method"];
      if (method === undefined || this.#requests.length >= ROWS_MAX) return;
      this.#requests.push({
        method: String(method),
        url: cut(String(record.attributes["url.full"] ?? record.name)),
        status: Number(record.attributes["http.response.status_code"] ?? 0),
        duration_ms: Number((BigInt(record.endNs) - BigInt(record.startNs)) / 1_000n) / 1_000,
        trace_id: record.traceId,
      });
    } else if (record.eventName === "exception") {
      if (this.#errors.length < ROWS_MAX) this.#errors.push(cut(errorText(record.attributes, record.body)));
    } else if (record.eventName === "browser.console" && this.#console.length < ROWS_MAX) {
      this.#console.push({ level: levelOf(record.severity), message: cut(record.body) });
    }
  }
}

function errorText(attributes: BrowserRecord["attributes"], body: string): string {
  const type = attributes["exception.type"];
  const message = String(attributes["exception.message"] ?? body);
  return type === undefined ? message : `${String(type)}: ${message}`;
}

/** OpenTelemetry's severity number as the word a console has for it. */
function levelOf(severity: number): string {
  if (severity >= 17) return "error";
  if (severity >= 13) return "warn";
  return severity >= 9 ? "info" : "debug";
}

function cut(text: string): string {
  return text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX - 1)}…` : text;
}
