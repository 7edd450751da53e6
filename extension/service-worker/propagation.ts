import { DEV_URL } from "../model/origins.ts";
import type { SpanReference } from "../model/records.ts";
import { formatTraceparent, randomHex } from "../model/traceparent.ts";

type Rule = chrome.declarativeNetRequest.Rule;

const RULES_PER_TAB = 5;
const ASKED_BY_SCRIPT = "xmlhttprequest";
const LOADED_BY_PAGE = [
  "xmlhttprequest",
  "script",
  "stylesheet",
  "image",
  "font",
  "media",
  "ping",
  "websocket",
  "other",
  "sub_frame",
] as const;

/** What is known of a tab: the span its requests belong to, and where scripts send a header of their own. */
interface TabTrace {
  readonly slot: number;
  current: SpanReference | undefined;
  /** Ids that the next document of this tab takes for its load. */
  next: SpanReference;
  /** Origins whose fetches carry a header by script, which the network layer must not replace. */
  readonly byScript: Set<string>;
}

/**
 * Carries the trace in the network layer: session rules per tab that put `traceparent` on requests to services under
 * development. No preflight follows from it, so no request that worked fails. What a script sends itself is left
 * alone by a stronger rule; a navigation is linked by telling the new document, in its answer's `Server-Timing`, which
 * ids its request carried.
 */
export class Propagation {
  readonly #tabs = new Map<number, TabTrace>();
  readonly #report: (problem: string) => void;
  #slots = 0;
  #paused = false;
  #work: Promise<unknown>;

  constructor(report: (problem: string) => void) {
    this.#report = report;
    this.#work = this.#clear();
  }

  /** Takes all rules away, or puts them back. */
  pause(paused: boolean): void {
    if (paused === this.#paused) return;
    this.#paused = paused;
    for (const [tabId, tab] of this.#tabs) this.#update(tabId, tab);
  }

  /** A tab whose next navigation is to be linked. */
  prepare(tabId: number): void {
    if (tabId < 0 || this.#tabs.has(tabId)) return;
    this.#update(tabId, this.#tab(tabId));
  }

  /** A document begins to load there: its scripts will send headers to their own origin. */
  navigating(tabId: number, url: string): void {
    const tab = this.#tab(tabId);
    tab.byScript.clear();
    if (URL.canParse(url)) tab.byScript.add(new URL(url).origin);
    this.#update(tabId, tab);
  }

  /** The span that requests of this tab now belong to. `isDocument` when it is one that has just begun. */
  current(tabId: number, span: SpanReference, isDocument: boolean): void {
    const tab = this.#tab(tabId);
    tab.current = span;
    if (isDocument && span.spanId === tab.next.spanId) tab.next = newReference();
    this.#update(tabId, tab);
  }

  /** The page's scripts send `traceparent` to this origin themselves. */
  leaveTo(tabId: number, origin: string): void {
    const tab = this.#tab(tabId);
    if (tab.byScript.has(origin)) return;
    tab.byScript.add(origin);
    this.#update(tabId, tab);
  }

  closed(tabId: number): void {
    const tab = this.#tabs.get(tabId);
    if (tab === undefined) return;
    this.#tabs.delete(tabId);
    this.#enqueue({ removeRuleIds: idsOf(tab.slot) });
  }

  #tab(tabId: number): TabTrace {
    const known = this.#tabs.get(tabId);
    if (known !== undefined) return known;
    const tab = {
      slot: this.#slots++,
      current: undefined,
      next: newReference(),
      byScript: new Set<string>(),
    };
    this.#tabs.set(tabId, tab);
    return tab;
  }

  #update(tabId: number, tab: TabTrace): void {
    this.#enqueue({ removeRuleIds: idsOf(tab.slot), addRules: this.#paused ? [] : rulesOf(tabId, tab) });
  }

  /** Updates one after the other: a later state must not be overtaken by an earlier one. */
  #enqueue(options: chrome.declarativeNetRequest.UpdateRuleOptions): void {
    this.#work = this.#work
      .then(() => chrome.declarativeNetRequest.updateSessionRules(options))
      .catch((error: unknown) =>
        this.#report(`Requests are not linked by the network layer: ${String(error)}`),
      );
  }

  /** Rules outlive the worker, what they were made from does not. */
  async #clear(): Promise<void> {
    const rules = await chrome.declarativeNetRequest.getSessionRules();
    await chrome.declarativeNetRequest.updateSessionRules({ removeRuleIds: rules.map(({ id }) => id) });
  }
}

const newReference = (): SpanReference => ({ traceId: randomHex(16), spanId: randomHex(8) });

const idsOf = (slot: number): number[] =>
  Array.from({ length: RULES_PER_TAB }, (_, index) => slot * RULES_PER_TAB + index + 1);

function rulesOf(tabId: number, { slot, current, next, byScript }: TabTrace): Rule[] {
  const tabIds = [tabId];
  const rules: Omit<Rule, "id">[] = [
    {
      priority: 3,
      action: {
        type: "modifyHeaders",
        requestHeaders: [traceparentOf(next)],
        responseHeaders: [serverTiming("gasoline-page", next)],
      },
      condition: { tabIds, regexFilter: DEV_URL, resourceTypes: ["main_frame"] },
    },
  ];
  if (byScript.size > 0) {
    const origins = [...byScript].map((origin) => origin.replace(/[^\w:/-]/g, "\\$&")).slice(0, 8);
    rules.push({
      priority: 2,
      action: { type: "allow" },
      condition: { tabIds, regexFilter: `^(?:${origins.join("|")})/`, resourceTypes: [ASKED_BY_SCRIPT] },
    });
  }
  if (current !== undefined) {
    rules.push(
      {
        priority: 1,
        action: { type: "modifyHeaders", requestHeaders: [traceparentOf(current)] },
        condition: { tabIds, regexFilter: DEV_URL, resourceTypes: [...LOADED_BY_PAGE] },
      },
      {
        priority: 1,
        action: { type: "modifyHeaders", responseHeaders: [serverTiming("gasoline-parent", current)] },
        condition: { tabIds, regexFilter: DEV_URL, resourceTypes: ["sub_frame"] },
      },
    );
  }
  return rules.map((rule, index) => ({ ...rule, id: idsOf(slot)[index]! }) as Rule);
}

const traceparentOf = (reference: SpanReference) =>
  ({ header: "traceparent", operation: "set", value: formatTraceparent(reference) }) as const;

const serverTiming = (name: string, reference: SpanReference) =>
  ({
    header: "server-timing",
    operation: "append",
    value: `${name};desc="${formatTraceparent(reference)}"`,
  }) as const;
