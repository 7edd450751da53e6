import { Worker } from "node:worker_threads";
import { type ErrorCode, GasolineError } from "../model/errors.ts";
import type { AnalysisAnswer, AnalysisOptions } from "./analyses/question.ts";
import type { AnyAnalysis } from "./analyze-window.ts";
import type { RawBody } from "./raw-window.ts";

/** What the thread is told: bodies of records first, then the question over them. */
export type Request =
  | { readonly kind: "body"; readonly window: number; readonly body: RawBody }
  | {
      readonly kind: "run";
      readonly type: AnyAnalysis;
      readonly options: AnalysisOptions;
      readonly baselines: number;
    };

export type Reply =
  | {
      readonly kind: "answer";
      readonly answer: AnalysisAnswer;
      readonly spans: number;
      readonly logs: number;
    }
  | { readonly kind: "error"; readonly code: ErrorCode; readonly problem: string; readonly remedy: string };

/** Records by window: the one asked about, and those to compare with. */
export interface AnalysisJob {
  readonly type: AnyAnalysis;
  readonly options: AnalysisOptions;
  readonly window: AsyncIterable<RawBody>;
  readonly baselines: readonly AsyncIterable<RawBody>[];
}

export interface AnalysisResult {
  readonly answer: AnalysisAnswer;
  /** Of the window. */
  readonly spans: number;
  readonly logs: number;
}

const TIME_MS_MAX = 60_000;
/** A thread that nobody asks is ended, which gives its memory back. */
const IDLE_MS_MAX = 30_000;
const HEAP_MB_MAX = 1_024;
const WAITING_MAX = 16;

/**
 * Runs analyses in one other thread, one after the other, so that ingest goes on beside them (design decision 10).
 * The thread is started by the first question and holds no process open.
 */
export class Analyst {
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #idle: NodeJS.Timeout | undefined;

  /**
   * Throws what the analysis throws (`bad_parameter`, `not_found`), `overloaded` when too many wait, and `internal`
   * when the thread fails, or needs more memory or time than it may take.
   */
  async run(job: AnalysisJob): Promise<AnalysisResult> {
    if (this.#waiting >= WAITING_MAX) {
      throw new GasolineError(
        "overloaded",
        `${WAITING_MAX} analyses are waiting already.`,
        "Ask again later.",
        5,
      );
    }
    this.#waiting++;
    clearTimeout(this.#idle);
    const turn = this.#last.then(() => this.#runAlone(job));
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
      if (this.#waiting === 0) this.#idle = setTimeout(() => void this.close(), IDLE_MS_MAX).unref();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#idle);
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #runAlone({ type, options, window, baselines }: AnalysisJob): Promise<AnalysisResult> {
    const worker = this.#started();
    const reply = replyOf(worker);
    try {
      for (const [number, bodies] of [window, ...baselines].entries()) {
        for await (const body of bodies) send(worker, { kind: "body", window: number, body });
      }
      send(worker, { kind: "run", type, options, baselines: baselines.length });
      const said = await reply;
      if (said.kind === "error") throw new GasolineError(said.code, said.problem, said.remedy);
      return said;
    } catch (error) {
      // Whatever failed may have left half a question behind: the next one begins with a new thread.
      reply.catch(() => undefined);
      await this.close();
      throw error;
    }
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const file = import.meta.url.endsWith(".ts") ? "./analyst-thread.ts" : "./analyst-thread.js";
    const worker = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB_MAX },
    });
    worker.unref();
    worker.once("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }
}

/** The bytes are handed over, not copied: they lie in a buffer of their own. */
function send(worker: Worker, request: Request): void {
  worker.postMessage(request, request.kind === "body" ? [request.body.bytes.buffer as ArrayBuffer] : []);
}

/** The thread's next message; an error when it ends, fails or takes too long instead. */
function replyOf(worker: Worker): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const fail = (problem: string): void =>
      finish(() =>
        reject(
          new GasolineError(
            "internal",
            problem,
            "Ask about less: narrow since and until, or name a trace_id.",
          ),
        ),
      );
    const onMessage = (reply: Reply): void => finish(() => resolve(reply));
    const onError = (error: Error): void => fail(`The analysis failed: ${error.message}.`);
    const onExit = (): void => fail("The analysis was ended.");
    const timer = setTimeout(
      () => fail(`The analysis took longer than ${TIME_MS_MAX / 1000} s.`),
      TIME_MS_MAX,
    );
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      worker.unref();
      settle();
    };
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    // While somebody waits for its answer, the thread keeps the process.
    worker.ref();
  });
}
