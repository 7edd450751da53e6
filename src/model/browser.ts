/*
 * WebSocket `/extension`. The extension offers the subprotocols `gasoline.v1`, `token.<pairing token>` and, to a daemon
 * with a key, `key.<base64url of GASOLINE_API_KEY>`; the daemon picks the first. Each side sends JSON text frames. A
 * command has one result, under the command's id; a result may come over a later connection than its command: on
 * `hello` the extension says which commands it still works on, and right after it sends what was done meanwhile.
 *
 * A page cannot read why a handshake failed, so what the user can mend is said by a close frame after it, its reason a
 * sentence for the popup: 4400 a frame that cannot be read, 4401 wrong token, 4403 wrong key, 4408 silence, 4409 another
 * extension has connected, 4426 another version of the protocol. 4401, 4403 and 4426 stay until the user acts.
 */

/** The extension's own: `chrome-extension://<id>` follows from the `key` of its manifest. */
export type ExtensionId = "amnppckhcoipedcfbejpminmjkgbhkil";

export type FromExtension =
  | ({ readonly v: 1; readonly id: string; readonly type: "hello" } & ExtensionState)
  | ({ readonly v: 1; readonly id: string; readonly type: "state" } & ExtensionState)
  | {
      readonly v: 1;
      readonly id: string;
      readonly type: "result";
      readonly ok: true;
      readonly value: CommandValue;
    }
  | {
      readonly v: 1;
      readonly id: string;
      readonly type: "result";
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
    }
  /** Every 20 s: a worker without traffic is ended after 30. */
  | { readonly v: 1; readonly id: string; readonly type: "ping" };

export type ToExtension =
  | { readonly v: 1; readonly id: string; readonly type: "welcome"; readonly version: string }
  | {
      readonly v: 1;
      readonly id: string;
      readonly type: "command";
      readonly command: BrowserCommand;
      readonly timeout_ms: number;
    }
  | { readonly v: 1; readonly id: string; readonly type: "cancel" }
  | { readonly v: 1; readonly id: string; readonly type: "pong" };

/** What the extension says of itself: on connecting, and whenever it changes. */
export interface ExtensionState {
  readonly extension_version: string;
  readonly session_id: string;
  /** Ids of commands that are still worked on. */
  readonly in_progress: readonly string[];
  readonly tabs: readonly BrowserTab[];
  readonly origins: readonly OriginLink[];
  readonly delivery: { readonly sent: number; readonly queued: number; readonly dropped: number };
  /** The last problems, newest first, at most 5. */
  readonly problems: readonly string[];
}

export interface BrowserTab {
  readonly id: number;
  readonly url: string;
  readonly title: string;
  readonly active: boolean;
  /** Whether the extension may run on this page. */
  readonly captured: boolean;
}

/** Whether requests to an origin carry the trace, and why not. */
export interface OriginLink {
  readonly origin: string;
  readonly state: "linked" | "propagated_unseen" | "not_linked";
  readonly how: "script_header" | "network_rule" | "none";
  readonly reason?: string;
}

/** Without `tab_id` a command goes to the active captured tab. */
export type BrowserCommand =
  | { readonly name: "step"; readonly step: BrowserStep; readonly tab_id?: number }
  | { readonly name: "page"; readonly tab_id?: number }
  | { readonly name: "screenshot"; readonly tab_id?: number }
  | { readonly name: "accessibility"; readonly tab_id?: number }
  | { readonly name: "record_start"; readonly title: string; readonly tab_id?: number }
  | { readonly name: "record_stop" };

/**
 * A step as Chrome DevTools Recorder writes it (UserFlow JSON), plus `waitForText` and `evaluate` (refused unless the
 * user allowed it in the popup). A selector is a list of parts through shadow roots, each CSS, `aria/Name`,
 * `aria/Name[role="button"]`, `text/…` or `pierce/…`; the lists are alternatives, best first.
 */
export type BrowserStep =
  | { readonly type: "navigate"; readonly url: string }
  | { readonly type: "click" | "doubleClick" | "hover"; readonly selectors: Selectors }
  /** Types into a field, or selects an option by value or label. */
  | { readonly type: "change"; readonly selectors: Selectors; readonly value: string }
  | { readonly type: "keyDown" | "keyUp"; readonly key: string; readonly selectors?: Selectors }
  | { readonly type: "scroll"; readonly x?: number; readonly y?: number; readonly selectors?: Selectors }
  | { readonly type: "waitForElement"; readonly selectors: Selectors; readonly visible?: boolean }
  | { readonly type: "waitForText"; readonly text: string }
  | { readonly type: "evaluate"; readonly expression: string };

export type Selectors = readonly (readonly string[])[];

/** Chrome DevTools Recorder's file format, as far as it is written and read here. */
export interface UserFlow {
  readonly title: string;
  readonly steps: readonly BrowserStep[];
  /** What each step caused when it was recorded, by position in `steps`: an addition of ours, which Chrome ignores. */
  readonly expected?: readonly StepExpectation[];
}

/** What a replay compares a step with. Absent fields expect nothing. */
export interface StepExpectation {
  /** Path of the page after the step. */
  readonly path?: string;
  /** `POST /orders/* 201`: method, path (segments with digits are `*`) and status. */
  readonly requests?: readonly string[];
  /** Uncaught errors. */
  readonly errors?: number;
}

export type CommandValue =
  | { readonly name: "step"; readonly effect: StepEffect }
  | { readonly name: "page"; readonly page: PageState }
  /** `data` is base64 of an image of that type. */
  | { readonly name: "screenshot"; readonly mime: "image/png" | "image/jpeg"; readonly data: string }
  | { readonly name: "accessibility"; readonly violations: readonly AccessibilityViolation[] }
  | { readonly name: "record_start"; readonly tab_id: number }
  | { readonly name: "record_stop"; readonly flow: UserFlow };

/** What a step did and caused until the page was quiet (no request under way and no change for 100 ms, at most 2 s). */
export interface StepEffect {
  readonly duration_ms: number;
  readonly url: string;
  /** The selector that found the element. */
  readonly selector?: readonly string[];
  /** The first selectors no longer fit; a later one did. */
  readonly healed?: boolean;
  readonly trace_id?: string;
  readonly console: readonly { readonly level: string; readonly message: string }[];
  readonly requests: readonly {
    readonly method: string;
    readonly url: string;
    /** 0: no answer. */
    readonly status: number;
    readonly duration_ms: number;
    readonly trace_id?: string;
  }[];
  readonly errors: readonly string[];
  /** One line: what appeared, went, changed. */
  readonly dom: string;
  /** Of `evaluate`: the value as JSON, cut to 4,000 characters. */
  readonly value?: string;
}

/** The page as an accessibility tree: indented lines `role "name" [state] → selector`, at most 400. */
export interface PageState {
  readonly tab_id: number;
  readonly url: string;
  readonly title: string;
  readonly lines: readonly string[];
  readonly lines_left_out: number;
}

export interface AccessibilityViolation {
  readonly rule: string;
  readonly impact: string;
  readonly help: string;
  readonly selectors: readonly string[];
}
