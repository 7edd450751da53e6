import type { BrowserCommand, CommandValue, ExtensionState } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";

/** What is known of the extension on the other end. */
export interface BrowserStatus {
  readonly connected: boolean;
  /** What it said of itself last, also after it went; absent when none has ever connected. */
  readonly state?: ExtensionState;
  /** When a frame of it came last, Unix ms. */
  readonly seenMs?: number;
  /** Why the last connection was refused, if that is newer than the last one that was not. */
  readonly refused?: string;
}

/** The paired browser, as questions and actions reach it. */
export interface Browser {
  status(): BrowserStatus;
  /**
   * Runs one command and returns its value, whose `name` is the command's. Commands run one after the other, since they
   * share a page. Throws GasolineError: `not_paired` without an extension, `overloaded` when too many wait, `timed_out`,
   * `browser_failed` with the extension's own reason, or when the answer was lost.
   */
  run<C extends BrowserCommand>(
    command: C,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<ValueOf<C["name"]>>;
}

export type ValueOf<N extends BrowserCommand["name"]> = Extract<CommandValue, { readonly name: N }>;

/** No extension is connected: how to get one, or what keeps it away. */
export function notPaired({ state, refused }: BrowserStatus): GasolineError {
  if (refused !== undefined) {
    return new GasolineError("not_paired", `The browser's extension was refused: ${refused}`, PAIRING);
  }
  return state === undefined
    ? new GasolineError("not_paired", "No browser is paired.", PAIRING)
    : new GasolineError(
        "not_paired",
        "The paired browser is gone: it was closed, or its extension turned off.",
        "Open it with a page of your app and call again; `gasoline doctor` shows its side.",
      );
}

const PAIRING =
  "To pair one: 1. run `gasoline extension`, 2. in chrome://extensions turn on Developer mode and Load unpacked the folder it prints, 3. open a page of your app. Then call again.";
