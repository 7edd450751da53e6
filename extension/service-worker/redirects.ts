import type { RedirectHop, RedirectQuestion } from "../model/messages.ts";

/** Of so many redirected requests the newest are remembered; a page asks within a second. */
const CHAINS_MAX = 100;

interface Chain {
  /** The request as the page made it. */
  readonly url: string;
  readonly method: string;
  readonly tabId: number;
  /** Where it was sent on to last, and how. */
  hop: RedirectHop;
}

/**
 * Remembers where requests of scripts were redirected to, which no script can see. A header that was added by script
 * goes along to another origin, where it needs a preflight that the page's own request did not: such a request is
 * taken up again at that hop, without the header (main-world/redirects.ts).
 */
export class Redirects {
  /** By the browser's request id, oldest first. */
  readonly #chains = new Map<string, Chain>();

  /** Listens from the worker's first turn on. */
  constructor() {
    chrome.webRequest.onBeforeRedirect.addListener(
      ({ requestId, tabId, url, method, statusCode, redirectUrl }) => {
        const hop = { url: redirectUrl, method: methodAfter(statusCode, method) };
        const chain = this.#chains.get(requestId);
        if (chain !== undefined) chain.hop = hop;
        else this.#chains.set(requestId, { url: withoutFragment(url), method, tabId, hop });
        const [oldest] = this.#chains.keys();
        if (this.#chains.size > CHAINS_MAX && oldest !== undefined) this.#chains.delete(oldest);
      },
      { urls: ["<all_urls>"], types: ["xmlhttprequest"] },
    );
  }

  /** The last hop of such a request, told once; null when none was redirected. */
  take(tabId: number, { url, method }: RedirectQuestion): RedirectHop | null {
    for (const [id, chain] of this.#chains) {
      // A page's own service worker asks on its behalf, outside any tab.
      const isIts = chain.tabId === tabId || chain.tabId === -1;
      if (!isIts || chain.url !== withoutFragment(url) || chain.method !== method) continue;
      this.#chains.delete(id);
      return chain.hop;
    }
    return null;
  }
}

/** Fetch standard, HTTP-redirect fetch: 303 turns all but GET and HEAD into GET, 301 and 302 do so to POST. */
function methodAfter(status: number, method: string): string {
  if (status === 303 && method !== "GET" && method !== "HEAD") return "GET";
  return (status === 301 || status === 302) && method === "POST" ? "GET" : method;
}

const withoutFragment = (url: string): string => url.split("#", 1)[0]!;
