import axe from "axe-core";
import type { AccessibilityViolation } from "../../../src/http/api-types.ts";

const RULES_MAX = 50;
const ELEMENTS_MAX = 10;
const WORST_FIRST = ["critical", "serious", "moderate", "minor"];

/*
 * A script of its own, put into a page's extension world when someone asks (service-worker/accessibility.ts). The
 * build makes what it exports the global `gasolineAccessibility` of that world, which no page can see.
 */

declare global {
  var gasolineAccessibility: { readonly violations: typeof violations };
}

/** Broken rules of the page, worst first, at most 50, each with at most 10 elements. */
export async function violations(): Promise<AccessibilityViolation[]> {
  const result = await axe.run(document, { resultTypes: ["violations"], elementRef: false });
  return result.violations
    .map(({ id, impact, help, nodes }) => ({
      rule: id,
      impact: impact ?? "minor",
      help,
      selectors: nodes.slice(0, ELEMENTS_MAX).map(({ target }) => target.flat().join(" >>> ")),
    }))
    .sort((one, other) => WORST_FIRST.indexOf(one.impact) - WORST_FIRST.indexOf(other.impact))
    .slice(0, RULES_MAX);
}
