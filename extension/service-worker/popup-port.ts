import { POPUP_PORT, type PopupState, type PopupSwitch, type PopupTab } from "../model/popup-messages.ts";
import type { CommandSocket } from "./command-socket.ts";
import type { WorkerContext } from "./context.ts";
import { readPreferences, writePreferences } from "./preferences.ts";

const ATTEMPT_EVERY_MS = 1_000;

/**
 * Serves open popups: the state at once and on every change, and what the user switches.
 *
 * @param onChange Registers for changes of what is shown; returns the way to stop.
 */
export function servePopup(
  context: WorkerContext,
  socket: CommandSocket,
  onChange: (listener: () => void) => () => void,
): void {
  chrome.runtime.onConnect.addListener((port) => {
    if (port.name !== POPUP_PORT) return;
    socket.poke();
    let open = true;
    const show = (): void => {
      popupState(context, socket).then(
        (state) => open && port.postMessage(state),
        (error: unknown) => context.report(`The popup could not be filled: ${String(error)}`),
      );
    };
    const stop = onChange(show);
    // Who looks at it has perhaps just started a daemon, and does not wait for the next attempt.
    const attempts = setInterval(() => socket.poke(), ATTEMPT_EVERY_MS);
    port.onDisconnect.addListener(() => {
      open = false;
      clearInterval(attempts);
      stop();
    });
    port.onMessage.addListener((change: PopupSwitch) => {
      writePreferences(change).then(show, (error: unknown) => context.report(String(error)));
    });
    show();
  });
}

async function popupState(context: WorkerContext, socket: CommandSocket): Promise<PopupState> {
  const { paused, bodies, evaluate } = await readPreferences();
  const tab = await tabInFront(context);
  return {
    connection: connectionOf(socket),
    endpoint: context.config.endpoint,
    sessionId: context.sessionId(),
    delivery: context.delivery(),
    origins: context.origins(),
    problems: context.problems(),
    paused,
    bodies,
    evaluate,
    ...(tab === undefined ? {} : { tab }),
  };
}

function connectionOf({ status }: CommandSocket): PopupState["connection"] {
  if (status.state === "away") return { state: "away", text: status.reason };
  if (status.state === "connecting") return { state: "connecting", text: "Connecting…" };
  const own = chrome.runtime.getManifest().version;
  const differs =
    own === status.daemonVersion
      ? ""
      : ` This extension is ${own}: run \`gasoline extension\`, then reload it.`;
  return { state: "connected", text: `Connected to gasoline ${status.daemonVersion}.${differs}` };
}

async function tabInFront(context: WorkerContext): Promise<PopupTab | undefined> {
  const [front] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
  const { id, url = "" } = front ?? {};
  if (id === undefined || !/^https?:/.test(url)) return undefined;
  const captured = (await context.tabs()).some((tab) => tab.id === id && tab.captured);
  // A page from before the extension has no hands yet.
  const trace = await context.sendToTab(id, "trace", null).catch(() => ({ traceId: "" }));
  return { origin: new URL(url).origin, captured, ...trace };
}
