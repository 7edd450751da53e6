import { startCommands } from "./commands.ts";
import { Propagation } from "./propagation.ts";
import { Redirects } from "./redirects.ts";
import { Router } from "./router.ts";
import { followPermissions } from "./sites.ts";
import { openWorker, Problems } from "./worker.ts";

/*
 * The service worker: the only part that talks to the daemon. The browser ends and restarts it as it likes; all
 * listeners are registered in its first turn, as the event they wait for may be what started it.
 */
const problems = new Problems();
const propagation = new Propagation(problems.report);
const redirects = new Redirects();
const router = new Router(() => opened);

chrome.tabs.onCreated.addListener(({ id }) => propagation.prepare(id ?? -1));
chrome.tabs.onRemoved.addListener((tabId) => propagation.closed(tabId));
chrome.webNavigation.onBeforeNavigate.addListener(({ tabId, frameId, url }) => {
  if (frameId === 0) propagation.navigating(tabId, url);
});
followPermissions(problems.report);

const opened = openWorker(router, propagation, redirects, problems);
opened.then(startCommands, (error: unknown) =>
  problems.report(`The worker could not start: ${String(error)}`),
);
chrome.tabs.query({}).then(
  (tabs) => {
    for (const { id } of tabs) propagation.prepare(id ?? -1);
  },
  (error: unknown) => problems.report(String(error)),
);
