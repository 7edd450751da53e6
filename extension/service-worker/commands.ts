import type { BrowserCommand, BrowserTab, CommandValue, PageState } from "../../src/http/api-types.ts";
import type { Outcome } from "../model/hand-messages.ts";
import { StepError, toErrorBody, unwrap } from "../relay/hands/step-error.ts";
import { accessibilityViolations } from "./accessibility.ts";
import {
  type CommandMessage,
  type CommandOutcome,
  CommandSocket,
  type SocketStatus,
} from "./command-socket.ts";
import type { WorkerContext } from "./context.ts";
import { servePopup } from "./popup-port.ts";
import { Recordings } from "./recordings.ts";
import { Screenshots } from "./screenshots.ts";
import { Steps } from "./steps.ts";

/** What a command's work is handed, besides the command. */
interface Order {
  readonly id: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Takes commands of the daemon over the socket, and serves the popup. Call once, when the worker starts. */
export function startCommands(context: WorkerContext): void {
  const commands = new Commands(context);
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const socket = new CommandSocket({
    config: context.config,
    state: async () => ({
      extension_version: chrome.runtime.getManifest().version,
      session_id: context.sessionId(),
      tabs: await context.tabs(),
      origins: context.origins(),
      delivery: context.delivery(),
      problems: context.problems(),
    }),
    run: (message, signal) => commands.run(message, signal),
    onStatus: (status: SocketStatus) => {
      if (status.state === "away") context.report(status.reason);
      changed();
    },
  });
  context.onChange(() => {
    socket.changed();
    changed();
  });
  // Any message of a page shows that the browser is in use: a daemon that came meanwhile is found at once.
  chrome.runtime.onMessage.addListener(() => socket.poke());
  servePopup(context, socket, (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  });
  socket.start();
}

/** The table from a command's name to what does it. */
class Commands {
  readonly #context: WorkerContext;
  readonly #steps: Steps;
  readonly #screenshots: Screenshots;
  readonly #recordings = new Recordings();

  constructor(context: WorkerContext) {
    this.#context = context;
    this.#steps = new Steps(context);
    this.#screenshots = new Screenshots(context);
    this.#followRecording();
  }

  /** Never rejects: what goes wrong is the outcome. */
  async run({ id, command, timeout_ms }: CommandMessage, signal: AbortSignal): Promise<CommandOutcome> {
    const late = new Promise<never>((_, reject) => {
      const tooLate = (): void => {
        const message = `${command.name} was not done within ${timeout_ms} ms.`;
        reject(
          new StepError(
            "timed_out",
            message,
            "Look at the page with `interact page`, or give more timeout_ms.",
          ),
        );
      };
      if (signal.aborted) tooLate();
      signal.addEventListener("abort", tooLate, { once: true });
    });
    try {
      const work = this.#do(command, { id, timeoutMs: timeout_ms, signal });
      return { ok: true, value: await Promise.race([work, late]) };
    } catch (error) {
      return { ok: false, error: toErrorBody(error) };
    }
  }

  async #do(command: BrowserCommand, order: Order): Promise<CommandValue> {
    switch (command.name) {
      case "step": {
        const { id } = await this.#tab(command.tab_id, command.step.type === "navigate");
        const effect = await this.#steps.run(id, command.step, order);
        await this.#recordings.add(id, { step: command.step, withheld: false });
        return { name: "step", effect };
      }
      case "page": {
        const { id } = await this.#tab(command.tab_id);
        const page: Omit<PageState, "tab_id"> = unwrap(await this.#ask(id));
        return { name: "page", page: { tab_id: id, ...page } };
      }
      case "screenshot": {
        const { id } = await this.#tab(command.tab_id);
        return { name: "screenshot", ...(await this.#screenshots.take(id, { traceId: "", spanId: "" })) };
      }
      case "accessibility": {
        const { id, url } = await this.#tab(command.tab_id);
        return { name: "accessibility", violations: await accessibilityViolations(this.#context, id, url) };
      }
      case "record_start": {
        const { id, url } = await this.#tab(command.tab_id);
        await this.#recordings.start(id, command.title, url);
        await this.#context.sendToTab(id, "recording", { on: true }).catch(noHands);
        return { name: "record_start", tab_id: id };
      }
      case "record_stop": {
        const tabId = await this.#recordings.tab();
        // What is typed and not yet told comes before the answer; a tab that was closed has nothing more to tell.
        if (tabId !== undefined) {
          await this.#context.sendToTab(tabId, "recording", { on: false }).catch(() => undefined);
        }
        return { name: "record_stop", flow: await this.#recordings.stop() };
      }
    }
  }

  #ask(tabId: number): Promise<Outcome<Omit<PageState, "tab_id">>> {
    return this.#context.sendToTab(tabId, "page", null).catch(noHands);
  }

  /** The tab that was asked for, else the active one; to navigate, it need not be captured yet. */
  async #tab(tabId: number | undefined, mayBeAny = false): Promise<BrowserTab> {
    const tabs = await this.#context.tabs();
    const fit = (tab: BrowserTab): boolean => mayBeAny || tab.captured;
    const tab =
      tabId === undefined
        ? (tabs.find((each) => each.active && each.captured) ?? tabs.find((each) => each.active && fit(each)))
        : tabs.find(({ id }) => id === tabId);
    if (tab !== undefined && fit(tab)) return tab;
    const captured = tabs.filter((each) => each.captured).map(({ id, url }) => `${id} (${url})`);
    const there =
      captured.length === 0 ? "No tab is captured." : `Captured tabs: ${captured.slice(0, 5).join(", ")}.`;
    throw tabId === undefined
      ? new StepError(
          "no_tab",
          `The active tab is none the extension may act on. ${there}`,
          "Navigate to a page of your app first, or name a tab_id.",
        )
      : new StepError(
          "no_tab",
          `There is no tab ${tabId} that the extension may act on. ${there}`,
          "Name one of these, or allow its site in the popup.",
        );
  }

  #followRecording(): void {
    this.#context.receive("recorded", async (step, { tabId }) => {
      await this.#recordings.add(tabId, step);
      return null;
    });
    this.#context.receive("started", async (_, { tabId }) => ({
      recording: (await this.#recordings.tab()) === tabId,
    }));
    // A link or a form is told by its click or key; what the user asked of the browser itself is a step of its own.
    chrome.webNavigation.onCommitted.addListener(
      ({ tabId, frameId, url, transitionType, transitionQualifiers }) => {
        const asked = ["typed", "auto_bookmark", "generated", "keyword", "reload"].includes(transitionType);
        const moved = transitionQualifiers.some(
          (each) => each === "from_address_bar" || each === "forward_back",
        );
        if (frameId !== 0 || !(asked || moved)) return;
        if (this.#steps.isNavigating(tabId)) return;
        void this.#recordings.add(tabId, { step: { type: "navigate", url }, withheld: false });
      },
    );
  }
}

/** The page is open since before the extension, or is none it may act on. */
function noHands(): never {
  throw new StepError(
    "no_hands",
    "The extension is not in this page.",
    "Reload the page, or allow its site in the popup.",
  );
}
