import type { OriginLink } from "../../src/http/api-types.ts";
import { POPUP_PORT, type PopupState, type PopupSwitch, type PopupTab } from "../model/popup-messages.ts";

/** The worker may have to be started first, and serves no popup until it is. */
const RETRY_MS = 200;
const ALL_SITES = { origins: ["<all_urls>"] };

const LINK_WORDS: Readonly<Record<OriginLink["state"], string>> = {
  linked: "linked",
  propagated_unseen: "propagated, but no server span seen",
  not_linked: "not linked",
};
const HOW_WORDS: Readonly<Record<OriginLink["how"], string>> = {
  script_header: " (by header)",
  network_rule: " (by network rule)",
  none: "",
};
const CONNECTION_CLASS = { connected: "good", connecting: "soft", away: "bad" } as const;

let port = connect();
let shownTab: PopupTab | undefined;

function connect(): chrome.runtime.Port {
  const opened = chrome.runtime.connect({ name: POPUP_PORT });
  opened.onMessage.addListener((state: PopupState) => show(state));
  opened.onDisconnect.addListener(() => {
    setTimeout(() => {
      port = connect();
    }, RETRY_MS);
  });
  return opened;
}

function show(state: PopupState): void {
  const connection = byId("connection");
  connection.textContent = state.connection.text;
  connection.className = CONNECTION_CLASS[state.connection.state];
  showTab(state);
  box("paused").checked = state.paused;
  box("bodies").checked = state.bodies;
  box("evaluate").checked = state.evaluate;
  list("origins", state.origins.map(originLine), "No requests seen yet.");
  list("problems", state.problems, "None.");
  const { sent, queued, dropped } = state.delivery;
  byId("delivery").textContent = `${sent} records delivered, ${queued} waiting, ${dropped} dropped`;
  byId("delivery").className = dropped > 0 ? "bad" : "";
  byId("session").textContent = state.sessionId;
}

function showTab({ tab, endpoint, paused }: PopupState): void {
  shownTab = tab;
  byId("site").hidden = tab === undefined;
  if (tab === undefined) return;
  byId("origin").textContent = tab.origin;
  byId("captured").textContent = capturedWords(tab.captured, paused);
  byId("allow").hidden = tab.captured;
  byId("forbid").hidden = !tab.captured || isLocal(tab.origin);
  const trace = byId("trace");
  trace.hidden = tab.traceId === "";
  trace.setAttribute("href", `${endpoint}/traces/${tab.traceId}`);
}

function capturedWords(captured: boolean, paused: boolean): string {
  if (!captured) return "is not captured.";
  return paused
    ? "is not captured while capture is paused; agents can still act in it."
    : "is captured: actions, console, errors, requests, timings.";
}

function originLine({ origin, state, how, reason }: OriginLink): string {
  const why = state !== "not_linked" || reason === undefined ? "" : ` (${reason})`;
  return `${origin}: ${LINK_WORDS[state]}${HOW_WORDS[how]}${why}`;
}

function list(id: string, lines: readonly string[], otherwise: string): void {
  const rows = (lines.length === 0 ? [otherwise] : lines).map((line) =>
    Object.assign(document.createElement("li"), {
      textContent: line,
      className: lines.length === 0 ? "soft" : "",
    }),
  );
  byId(id).replaceChildren(...rows);
}

/** Local sites belong to the extension from the start; Chrome does not take those away. */
function isLocal(origin: string): boolean {
  return /^https?:\/\/(localhost|[^/]+\.localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(origin);
}

/** Chrome shows its own question; the popup may be closed by it, which changes nothing. */
async function askFor(origins: readonly string[], wanted: boolean): Promise<boolean> {
  const permission = { origins: [...origins] };
  return wanted ? chrome.permissions.request(permission) : chrome.permissions.remove(permission);
}

function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The popup has no element ${id}.`);
  return element;
}

function box(id: string): HTMLInputElement {
  return byId(id) as HTMLInputElement;
}

function send(change: PopupSwitch): void {
  port.postMessage(change);
}

/** Whatever the answer, the popup shows what is true after it. */
async function refreshAllSites(): Promise<void> {
  box("all-sites").checked = await chrome.permissions.contains(ALL_SITES);
}

box("paused").addEventListener("change", () => send({ paused: box("paused").checked }));
box("bodies").addEventListener("change", () => send({ bodies: box("bodies").checked }));
box("evaluate").addEventListener("change", () => send({ evaluate: box("evaluate").checked }));
box("all-sites").addEventListener("change", () => {
  void askFor(ALL_SITES.origins, box("all-sites").checked).finally(refreshAllSites);
});
for (const [id, wanted] of [
  ["allow", true],
  ["forbid", false],
] as const) {
  byId(id).addEventListener("click", () => {
    if (shownTab === undefined) return;
    const { hostname, protocol } = new URL(shownTab.origin);
    void askFor([`${protocol}//${hostname}/*`], wanted).then((done) => done && port.disconnect());
  });
}
void refreshAllSites();
