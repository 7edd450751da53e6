import { type CaptureSettings, DEFAULT_SETTINGS, type PageError, type ToPage } from "../model/messages.ts";
import type { BrowserRecord } from "../model/records.ts";
import { redactUrl } from "../model/redact.ts";
import { loadConfig } from "./config.ts";
import type { Sender, WorkerContext } from "./context.ts";
import { Delivery } from "./delivery.ts";
import { OriginLinks } from "./origin-links.ts";
import type { Propagation } from "./propagation.ts";
import type { Redirects } from "./redirects.ts";
import { browserResource } from "./resource.ts";
import type { Router } from "./router.ts";
import { Session } from "./session.ts";

const PROBLEMS_MAX = 5;

/** Problems for popup and daemon, newest first, each once. */
export class Problems {
  #list: readonly string[] = [];
  changed: () => void = () => undefined;

  list = (): readonly string[] => this.#list;

  report = (problem: string): void => {
    if (this.#list[0] === problem) return;
    this.#list = [problem, ...this.#list.filter((other) => other !== problem)].slice(0, PROBLEMS_MAX);
    this.changed();
  };
}

/** Brings the parts of the worker together, once its configuration and session are read. */
export async function openWorker(
  router: Router,
  propagation: Propagation,
  redirects: Redirects,
  problems: Problems,
): Promise<WorkerContext> {
  const [config, session, stored] = await Promise.all([
    loadConfig(),
    Session.open(),
    chrome.storage.local.get("settings"),
  ]);
  let settings = { ...DEFAULT_SETTINGS, ...(stored.settings as Partial<CaptureSettings> | undefined) };
  const changes = new Set<() => void>();
  const changed = (): void => {
    for (const listener of changes) listener();
  };
  problems.changed = changed;
  const delivery = new Delivery(config, browserResource(), (problem) => {
    if (problem !== undefined) problems.report(problem);
    changed();
  });
  const origins = new OriginLinks(config, changed);
  const errorListeners = new Set<(error: PageError, sender: Sender) => void>();
  const enqueue = (records: readonly BrowserRecord[], url: string): void => {
    if (settings.paused || records.length === 0) return;
    const { id: sessionId, events } = session.touch();
    delivery.add(events.map(({ record, sessionId }) => ({ record, sessionId, url: "" })));
    delivery.add(records.map((record) => ({ record, sessionId, url: redactUrl(url) })));
  };
  propagation.pause(settings.paused);
  // A worker that was ended has forgotten which span is current in which tab: pages say so again.
  void tellAllTabs(settings);

  router.receive("records", ({ records, dropped }, { url }) => {
    delivery.addDropped(dropped);
    enqueue(records, url);
    return { accepted: records.length };
  });
  router.receive("context", (span, { tabId, frameId }) => {
    // Known from the navigation too, but not to a worker that was started since.
    if (span.origin !== "null") propagation.leaveTo(tabId, span.origin);
    // A frame's own load takes no request of its parent's; what the user does in it does.
    if (frameId === 0 || span.of === "interaction") propagation.current(tabId, span, span.of === "page");
    return null;
  });
  router.receive("origin", (report, { tabId }) => {
    if (report.ownTraceparent) propagation.leaveTo(tabId, report.origin);
    if (!settings.paused) origins.seen(report);
    return null;
  });
  router.receive("error", (error, sender) => {
    if (settings.paused) return null;
    for (const listener of errorListeners) listener(error, sender);
    return null;
  });
  router.receive("redirect", (question, { tabId }) => redirects.take(tabId, question));
  router.receive("settings", () => settings);
  chrome.storage.onChanged.addListener(({ settings: change }) => {
    if (change === undefined) return;
    settings = { ...DEFAULT_SETTINGS, ...(change.newValue as Partial<CaptureSettings>) };
    propagation.pause(settings.paused);
    void tellAllTabs(settings);
  });

  return {
    config,
    receive: router.receive,
    sendToTab,
    emit: (record, url) => enqueue([record], url),
    onError: (listener) => void errorListeners.add(listener),
    tabs: listTabs,
    sessionId: () => session.id,
    delivery: () => delivery.stats(),
    origins: () => origins.list(),
    problems: problems.list,
    report: problems.report,
    onChange: (listener) => void changes.add(listener),
  };
}

async function sendToTab<K extends keyof ToPage>(
  tabId: number,
  kind: K,
  payload: ToPage[K]["payload"],
  frameId = 0,
): Promise<ToPage[K]["reply"]> {
  const message = { kind, payload };
  const answer = (await chrome.tabs.sendMessage(tabId, message, { frameId })) as {
    readonly value: ToPage[K]["reply"];
    readonly error?: string;
  };
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer.value;
}

async function tellAllTabs(settings: CaptureSettings): Promise<void> {
  for (const { id } of await chrome.tabs.query({})) {
    // Pages without the extension have nobody to hear it.
    if (id !== undefined) sendToTab(id, "settings", settings).catch(() => undefined);
  }
}

async function listTabs() {
  const tabs = await chrome.tabs.query({});
  return Promise.all(
    tabs.flatMap(({ id, url = "", title = "", active }) =>
      id === undefined
        ? []
        : [isCaptured(url).then((captured) => ({ id, url: redactUrl(url), title, active, captured }))],
    ),
  );
}

async function isCaptured(url: string): Promise<boolean> {
  if (!/^https?:/.test(url)) return false;
  return chrome.permissions.contains({ origins: [`${new URL(url).origin.replace(/:\d+$/, "")}/*`] });
}
