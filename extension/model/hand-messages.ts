import type { BrowserStep, PageState, StepEffect } from "../../src/http/api-types.ts";

/*
 * What the worker asks of the hands in a page's top frame, and what they tell unasked: parts of the two tables in
 * `messages.ts`. What fails is told as a value, since an exception would lose its code on the way.
 */

/** Worker → hands. */
export interface HandsToPage {
  /** Does a step and tells what it caused. Not answered when the step leaves the page: see `left`. */
  step: { readonly payload: StepOrder; readonly reply: Outcome<StepEffect> };
  /** From now on the page is watched for what `settle` tells: of something that the worker does itself. */
  watch: { readonly payload: { readonly commandId: string }; readonly reply: null };
  /** Waits until the page is quiet, and tells what happened since `watch`, or else since it began to load. */
  settle: { readonly payload: { readonly commandId: string }; readonly reply: Outcome<StepEffect> };
  cancel: { readonly payload: { readonly commandId: string }; readonly reply: null };
  page: { readonly payload: null; readonly reply: Outcome<Omit<PageState, "tab_id">> };
  /** For the popup's link. */
  trace: { readonly payload: null; readonly reply: { readonly traceId: string } };
  recording: { readonly payload: { readonly on: boolean }; readonly reply: null };
}

/** Hands → worker. */
export interface HandsToWorker {
  /** The page is left while a step is under way: what it caused until then. */
  left: {
    readonly payload: { readonly commandId: string; readonly effect: StepEffect };
    readonly reply: null;
  };
  /** Something the user did, while recording. */
  recorded: { readonly payload: RecordedStep; readonly reply: null };
  /** Asked when a page starts: whether its tab is recorded. */
  started: { readonly payload: null; readonly reply: { readonly recording: boolean } };
}

export interface StepOrder {
  readonly commandId: string;
  readonly step: BrowserStep;
  /** How long to wait for the element. */
  readonly timeoutMs: number;
}

export interface RecordedStep {
  readonly step: BrowserStep;
  /** The value of a secret field was left out. */
  readonly withheld: boolean;
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
    };
