import { StepError } from "../relay/hands/step-error.ts";
import { readPreferences } from "./preferences.ts";

const CHARS_MAX = 4_000;

/**
 * The value of an expression in the page's own world as JSON, promises awaited, cut to 4,000 characters.
 *
 * @throws StepError `evaluate_off` unless the user allowed it in the popup; `evaluate_failed` with the page's error.
 */
export async function evaluate(tabId: number, expression: string): Promise<string> {
  if (!(await readPreferences()).evaluate) {
    const remedy = 'Ask the user to switch on "Let agents evaluate scripts" in the extension\'s popup.';
    throw new StepError("evaluate_off", "Evaluating scripts is switched off.", remedy);
  }
  const [injected] = await chrome.scripting.executeScript({
    target: { tabId },
    world: "MAIN",
    func: evaluateInPage,
    args: [expression],
  });
  const result = injected?.result;
  if (result === undefined || "error" in result) {
    const message = `The page could not evaluate it: ${result?.error ?? "it was left meanwhile"}.`;
    throw new StepError(
      "evaluate_failed",
      message,
      "A page whose policy forbids eval allows none; act by steps there.",
    );
  }
  return result.value.length > CHARS_MAX ? `${result.value.slice(0, CHARS_MAX - 1)}…` : result.value;
}

/** Runs in the page; it can use nothing of this file. */
async function evaluateInPage(code: string): Promise<{ value: string } | { error: string }> {
  try {
    // biome-ignore lint/security/noGlobalEval: this is what the user allowed; indirect, so that it sees globals alone.
    const value: unknown = await globalThis.eval(code);
    return { value: JSON.stringify(value) ?? "undefined" };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
