import type { BrowserStep, StepEffect } from "../../src/http/api-types.ts";
import type { HandsToPage, Outcome } from "../model/hand-messages.ts";
import { StepError, unwrap } from "../relay/hands/step-error.ts";
import type { WorkerContext } from "./context.ts";
import { evaluate } from "./evaluate.ts";
import { nextLoad } from "./tab-loads.ts";

/** Of a step's time, what is kept for the page to come to rest after it. */
const SETTLE_MS = 2_200;
/** A step that does not say how long waits no longer for its element. */
const FIND_MS_MAX = 5_000;

interface Order {
  readonly id: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Carries out steps: the hands in the page do most, the worker what outlives a page. A step that leaves its page ends
 * when the next one has come to rest, and tells of both:
 *
 * ```
 *  hands:   click ─ requests, console ─ pagehide ─► left      next page: ─ settle ─► effect
 *  worker:  ──────────────────────────────────────── load ─────────────────────────► both together
 * ```
 */
export class Steps {
  readonly #context: WorkerContext;
  /** What pages told on being left, by command. */
  readonly #left = new Map<string, StepEffect>();
  /** Tabs that a `navigate` step moves at the moment. */
  readonly #navigating = new Set<number>();

  constructor(context: WorkerContext) {
    this.#context = context;
    context.receive("left", ({ commandId, effect }) => {
      this.#left.set(commandId, effect);
      return null;
    });
  }

  isNavigating(tabId: number): boolean {
    return this.#navigating.has(tabId);
  }

  /** @throws StepError */
  async run(tabId: number, step: BrowserStep, order: Order): Promise<StepEffect> {
    const startMs = performance.now();
    const cancel = (): void => {
      // A page that is gone has nothing to cancel.
      this.#context.sendToTab(tabId, "cancel", { commandId: order.id }).catch(() => undefined);
    };
    order.signal.addEventListener("abort", cancel, { once: true });
    try {
      const effect = await this.#do(tabId, step, order);
      return { ...effect, duration_ms: Math.round(performance.now() - startMs) };
    } finally {
      order.signal.removeEventListener("abort", cancel);
      this.#left.delete(order.id);
    }
  }

  #do(tabId: number, step: BrowserStep, order: Order): Promise<StepEffect> {
    if (step.type === "navigate") return this.#navigate(tabId, step.url, order);
    if (step.type === "evaluate") return this.#evaluate(tabId, step.expression, order);
    return this.#inPage(tabId, step, order);
  }

  async #navigate(tabId: number, url: string, order: Order): Promise<StepEffect> {
    if (!/^(https?:|about:blank$)/.test(url)) {
      throw new StepError(
        "bad_url",
        `${JSON.stringify(url)} is no address of a page.`,
        "Give a whole http(s) URL.",
      );
    }
    this.#navigating.add(tabId);
    try {
      const load = nextLoad(tabId, order.signal);
      await Promise.all([load, chrome.tabs.update(tabId, { url })]);
      return await this.#settle(tabId, order);
    } finally {
      this.#navigating.delete(tabId);
    }
  }

  async #evaluate(tabId: number, expression: string, order: Order): Promise<StepEffect> {
    await this.#context.sendToTab(tabId, "watch", { commandId: order.id }).catch(() => undefined);
    const value = await evaluate(tabId, expression);
    return { ...(await this.#settle(tabId, order)), value };
  }

  async #inPage(tabId: number, step: BrowserStep, order: Order): Promise<StepEffect> {
    const waits = step.type === "waitForElement" || step.type === "waitForText";
    const forFindMs = Math.max(200, order.timeoutMs - SETTLE_MS);
    const timeoutMs = waits ? forFindMs : Math.min(FIND_MS_MAX, forFindMs);
    const payload = { commandId: order.id, step, timeoutMs };
    const outcome = await this.#ask(tabId, payload);
    const before = outcome === undefined ? this.#left.get(order.id) : unwrap(outcome);
    if (outcome !== undefined && !(await isLoading(tabId))) return unwrap(outcome);
    if (before === undefined && !(await isLoading(tabId))) {
      const message = "The extension is not in this page.";
      throw new StepError("no_hands", message, "Reload the page, or allow its site in the popup.");
    }
    if (await isLoading(tabId)) await nextLoad(tabId, order.signal);
    const after = await this.#settle(tabId, order);
    return before === undefined ? after : together(before, after);
  }

  /** Undefined when the page went before it could answer. */
  async #ask(tabId: number, order: HandsToPage["step"]["payload"]): Promise<Outcome<StepEffect> | undefined> {
    try {
      return await this.#context.sendToTab(tabId, "step", order);
    } catch {
      // Chrome has several sentences for a page that went; what is true shows in the tab.
      return undefined;
    }
  }

  async #settle(tabId: number, order: Order): Promise<StepEffect> {
    try {
      return unwrap(await this.#context.sendToTab(tabId, "settle", { commandId: order.id }));
    } catch (error) {
      if (error instanceof StepError) throw error;
      const { url = "", title = "" } = await chrome.tabs.get(tabId);
      const dom = `page ${JSON.stringify(title)} loaded; the extension may not run on it`;
      return { duration_ms: 0, url, console: [], requests: [], errors: [], dom };
    }
  }
}

async function isLoading(tabId: number): Promise<boolean> {
  return (await chrome.tabs.get(tabId)).status === "loading";
}

/** What a step caused on the page it was done on, and on the one it led to. */
function together(before: StepEffect, after: StepEffect): StepEffect {
  return {
    ...before,
    url: after.url,
    console: [...before.console, ...after.console],
    requests: [...before.requests, ...after.requests],
    errors: [...before.errors, ...after.errors],
    dom: `left the page; ${after.dom}`,
  };
}
