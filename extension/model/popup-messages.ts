import type { ExtensionState } from "../../src/http/api-types.ts";

/*
 * What worker and popup say to each other over a port named `popup`: the worker tells all it knows, on connecting and
 * on every change; the popup says what the user switched.
 */

export const POPUP_PORT = "popup";

/** Worker → popup. */
export interface PopupState {
  /** `connected`, or one sentence on why not and what helps. */
  readonly connection: { readonly state: "connected" | "connecting" | "away"; readonly text: string };
  readonly endpoint: string;
  readonly sessionId: string;
  readonly delivery: ExtensionState["delivery"];
  readonly origins: ExtensionState["origins"];
  readonly problems: readonly string[];
  readonly paused: boolean;
  readonly bodies: boolean;
  readonly evaluate: boolean;
  /** The tab in front; absent for pages of the browser itself. */
  readonly tab?: PopupTab;
}

export interface PopupTab {
  /** `http://localhost:5173` */
  readonly origin: string;
  readonly captured: boolean;
  /** `""` where nothing is captured. */
  readonly traceId: string;
}

/** Popup → worker. */
export type PopupSwitch =
  | { readonly paused: boolean }
  | { readonly bodies: boolean }
  | { readonly evaluate: boolean };
