import { type BrowserContext, test as base, type Route } from "@playwright/test";
import { playwrightKey } from "./playwright-reporter.ts";
import { StepTraces } from "./playwright-steps.ts";
import { RUN_ID_VARIABLE, testTraceparent } from "./test-ids.ts";

const steps = new StepTraces();

/**
 * Playwright's `test`, carrying the trace of each test into what it opens: API requests and navigations to the app have
 * the test's `traceparent`, and documents name it in `<meta name="traceparent">`, which OpenTelemetry's document-load
 * instrumentation reads. Requests that pages make themselves are left to the page's own instrumentation.
 *
 * Where the browser extension is loaded, what a test does in a page stands under the `test.step` it is done in. A
 * `context` of the user's own, as extensions need, is carried into when the test opens `page`.
 *
 * The app is the origin of `baseURL`, and any loopback origin. Without a run to report to nothing is changed.
 */
export const test = steps.watch(
  base.extend<{ traceparent: string }>({
    traceparent: [
      // biome-ignore lint/correctness/noEmptyPattern: playwright reads from the pattern which fixtures are needed.
      async ({}, use, info) => {
        const runId = process.env[RUN_ID_VARIABLE];
        const names = info.titlePath.slice(1);
        const key = playwrightKey(info.file, info.project.name, names);
        const traceparent = runId === undefined ? "" : testTraceparent(runId, key, info.retry);
        if (traceparent !== "") {
          // For what the test starts itself.
          process.env.TRACEPARENT = traceparent;
          steps.begin(info, traceparent);
        }
        await use(traceparent);
      },
      { auto: true },
    ],

    context: async ({ context, traceparent, baseURL }, use, info) => {
      if (traceparent !== "") await carryIntoPages(context, traceparent, baseURL);
      await steps.join(info, context);
      await use(context);
    },

    page: async ({ page, context, traceparent, baseURL }, use, info) => {
      if (traceparent !== "" && !steps.knows(info, context))
        await carryIntoPages(context, traceparent, baseURL);
      await steps.join(info, context);
      await use(page);
    },

    request: async ({ playwright, extraHTTPHeaders, baseURL, request, traceparent }, use) => {
      if (traceparent === "") {
        await use(request);
        return;
      }
      const traced = await playwright.request.newContext({
        ...(baseURL === undefined ? {} : { baseURL }),
        extraHTTPHeaders: { ...extraHTTPHeaders, traceparent },
      });
      await use(traced);
      await traced.dispose();
    },
  }),
);

export { expect } from "@playwright/test";

async function carryIntoPages(
  context: BrowserContext,
  traceparent: string,
  baseURL: string | undefined,
): Promise<void> {
  await context.addInitScript(nameTrace, traceparent);
  await context.route(
    (url) => isApp(url, baseURL),
    async (route: Route) => {
      const request = route.request();
      if (!request.isNavigationRequest()) await route.fallback();
      else await route.fallback({ headers: { ...(await request.allHeaders()), traceparent } });
    },
  );
}

function isApp(url: URL, baseURL: string | undefined): boolean {
  if (baseURL !== undefined && url.origin === new URL(baseURL).origin) return true;
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost)$/.test(url.hostname);
}

/** Runs in the page, before its scripts. */
function nameTrace(traceparent: string): void {
  // This file is compiled for Node, whose globals have no document.
  const { document, MutationObserver } = globalThis as unknown as PageGlobals;
  const add = (): boolean => {
    if (document.head === null) return false;
    const meta = document.createElement("meta");
    meta.name = "traceparent";
    meta.content = traceparent;
    document.head.prepend(meta);
    return true;
  };
  if (add()) return;
  const observer = new MutationObserver(() => {
    if (add()) observer.disconnect();
  });
  observer.observe(document, { childList: true, subtree: true });
}

/** The few things of a page that `nameTrace` touches: the project is checked without the DOM's types. */
interface PageGlobals {
  readonly document: {
    readonly head: { prepend(element: object): void } | null;
    createElement(name: string): { name: string; content: string };
  };
  readonly MutationObserver: new (
    onChange: () => void,
  ) => { observe(target: object, options: object): void; disconnect(): void };
}
