import type { ExtensionState } from "../../src/model/browser.ts";
import type { Attributes } from "../model/records.ts";
import type { ExtensionConfig } from "./config.ts";
import { logsRequest, type QueuedRecord, tracesRequest } from "./otlp-json.ts";

const EXPORT_MS = 1_000;
/** In one request; as soon as so many wait, they go at once. */
const BATCH_MAX = 1_000;
/** Page bursts must not drop (the SDK's 2,048 did); more than this is an absent daemon. */
const QUEUE_MAX = 20_000;
const RETRY_MS_MAX = 10_000;
const POST_MS_MAX = 10_000;
/** The browser ends a worker that calls nothing for 30 s; while records wait, this does. */
const STAY_MS = 20_000;

/**
 * The queue between pages and daemon. Records wait while the daemon is away, oldest first to go when there are too
 * many; each one accepted, dropped or still waiting is counted.
 *
 *   add → [ oldest … newest ] → POST /v1/traces, /v1/logs → sent
 *           └ dropped when full
 */
export class Delivery {
  readonly #config: ExtensionConfig;
  readonly #resource: Attributes;
  readonly #changed: (problem?: string) => void;
  #queue: QueuedRecord[] = [];
  /** The first so many of the queue are on their way. */
  #sending = 0;
  #sent = 0;
  #dropped = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stay: ReturnType<typeof setInterval> | undefined;

  /** `changed` is called after each request, with what went wrong if anything did. */
  constructor(config: ExtensionConfig, resource: Attributes, changed: (problem?: string) => void) {
    this.#config = config;
    this.#resource = resource;
    this.#changed = changed;
  }

  stats(): ExtensionState["delivery"] {
    return { sent: this.#sent, queued: this.#queue.length, dropped: this.#dropped };
  }

  add(records: readonly QueuedRecord[]): void {
    this.#queue.push(...records);
    const over = this.#queue.length - QUEUE_MAX;
    if (over > 0) {
      // What is on its way stays: it is counted when its request ends.
      this.#queue.splice(this.#sending, over);
      this.#dropped += over;
    }
    this.#stay ??= setInterval(() => void chrome.runtime.getPlatformInfo(), STAY_MS);
    if (this.#queue.length >= BATCH_MAX && this.#failures === 0) void this.#export();
    else this.#timer ??= setTimeout(() => void this.#export(), EXPORT_MS);
  }

  /** Counts what was dropped before it came here. */
  addDropped(count: number): void {
    this.#dropped += count;
  }

  async #export(): Promise<void> {
    if (this.#sending > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#queue.slice(0, BATCH_MAX);
    if (batch.length === 0) {
      clearInterval(this.#stay);
      this.#stay = undefined;
      return;
    }
    this.#sending = batch.length;
    const { kept, problem } = await this.#post(batch);
    this.#sending = 0;
    // What the daemon took of a batch that failed in half is not sent again.
    this.#queue.splice(0, batch.length, ...kept);
    this.#failures = kept.length > 0 ? this.#failures + 1 : 0;
    this.#changed(problem);
    const backlog = this.#queue.length >= BATCH_MAX;
    const wait =
      this.#failures > 0
        ? Math.min(EXPORT_MS * 2 ** (this.#failures - 1), RETRY_MS_MAX)
        : backlog
          ? 0
          : EXPORT_MS;
    this.#timer ??= setTimeout(() => void this.#export(), wait);
  }

  /** Spans and logs of a batch, each in a request; what is to be tried again comes back. */
  async #post(batch: readonly QueuedRecord[]): Promise<{ kept: QueuedRecord[]; problem?: string }> {
    const signals = [
      { kind: "span", path: "/v1/traces", request: tracesRequest },
      { kind: "log", path: "/v1/logs", request: logsRequest },
    ] as const;
    const kept: QueuedRecord[] = [];
    let problem: string | undefined;
    for (const { kind, path, request } of signals) {
      const records = batch.filter(({ record }) => record.kind === kind);
      if (records.length === 0) continue;
      const outcome = await this.#postOne(path, request(records, this.#resource));
      if (outcome.retry) kept.push(...records);
      else {
        const lost = outcome.rejected ?? records.length;
        this.#sent += records.length - lost;
        this.#dropped += lost;
      }
      problem = outcome.problem ?? problem;
    }
    return { kept, ...(problem === undefined ? {} : { problem }) };
  }

  async #postOne(path: string, body: object): Promise<Posted> {
    const { endpoint, key } = this.#config;
    try {
      const response = await fetch(endpoint + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...(key === "" ? {} : { "x-api-key": key }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(POST_MS_MAX),
      });
      if (response.ok) return rejectedOf(await response.json());
      const retry = [429, 502, 503, 504].includes(response.status);
      return { retry, problem: `The daemon at ${endpoint} answered ${path} with ${response.status}.` };
    } catch (error) {
      return { retry: true, problem: `The daemon at ${endpoint} cannot be reached: ${String(error)}` };
    }
  }
}

/** `rejected` is absent when all of a request was lost for good. */
interface Posted {
  readonly retry: boolean;
  readonly rejected?: number;
  readonly problem?: string;
}

interface ExportAnswer {
  readonly partialSuccess?: {
    readonly rejectedSpans?: string | number;
    readonly rejectedLogRecords?: string | number;
    readonly errorMessage?: string;
  };
}

function rejectedOf(answer: ExportAnswer): Posted {
  const partial = answer.partialSuccess;
  const rejected = Number(partial?.rejectedSpans ?? partial?.rejectedLogRecords ?? 0);
  return rejected === 0
    ? { retry: false, rejected }
    : {
        retry: false,
        rejected,
        problem: `The daemon refused ${rejected} records: ${partial?.errorMessage ?? ""}`,
      };
}
