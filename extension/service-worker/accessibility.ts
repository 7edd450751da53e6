import type { AccessibilityViolation } from "../../src/http/api-types.ts";
import { msToNs } from "../model/time.ts";
import { StepError } from "../relay/hands/step-error.ts";
import type { WorkerContext } from "./context.ts";

/** Built from `relay/hands/accessibility.ts`: axe-core is 0.5 MB, which no page pays for unasked. */
const SCRIPT = "accessibility.js";

/**
 * What axe-core finds wrong with a page, worst first, at most 50 rules; each also becomes event `gasoline.a11y.violation`.
 * Blocks the page for about a second at 5,000 elements.
 *
 * @throws StepError `accessibility_failed`.
 */
export async function accessibilityViolations(
  context: WorkerContext,
  tabId: number,
  url: string,
): Promise<readonly AccessibilityViolation[]> {
  const target = { tabId };
  await chrome.scripting.executeScript({ target, files: [SCRIPT] });
  const [injected] = await chrome.scripting.executeScript({
    target,
    func: () => gasolineAccessibility.violations(),
  });
  const violations = injected?.result;
  if (violations === undefined) {
    throw new StepError(
      "accessibility_failed",
      "The page could not be checked.",
      "Wait until it has loaded, then try again.",
    );
  }
  const timeNs = msToNs(Date.now());
  for (const { rule, impact, help, selectors } of violations) {
    context.emit(
      {
        kind: "log",
        traceId: "",
        spanId: "",
        timeNs,
        severity: impact === "critical" || impact === "serious" ? 17 : 13,
        eventName: "gasoline.a11y.violation",
        body: help,
        attributes: {
          "url.full": url,
          "gasoline.a11y.violation.rule": rule,
          "gasoline.a11y.violation.impact": impact,
          "gasoline.a11y.violation.selectors": [...selectors],
        },
      },
      url,
    );
  }
  return violations;
}
