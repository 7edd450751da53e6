import type { Outcome } from "../../model/hand-messages.ts";

/** Why a command could not be done, in the words of its reply. Codes are stable; `remedy` says what to do next. */
export class StepError extends Error {
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, message: string, remedy: string) {
    super(message);
    this.name = "StepError";
    this.code = code;
    this.remedy = remedy;
  }
}

/** The same as plain data, for a message between the extension's parts. Anything else is a fault of ours, and named so. */
export function toErrorBody(error: unknown): { code: string; message: string; remedy: string } {
  if (error instanceof StepError) {
    return { code: error.code, message: error.message, remedy: error.remedy };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: "extension_failed", message, remedy: "Reload the page and try the step again." };
}

/** The value of an outcome. @throws StepError with what failed. */
export function unwrap<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  const { code, message, remedy } = outcome.error;
  throw new StepError(code, message, remedy);
}
