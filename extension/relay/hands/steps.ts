import type { BrowserStep } from "../../../src/http/api-types.ts";
import { type Found, find, type Limits, pause } from "./find.ts";
import { focused, keyDown, keyUp } from "./keyboard.ts";
import { PageView } from "./page-view.ts";
import { click, hover } from "./pointer.ts";
import { StepError } from "./step-error.ts";
import { change, takesValue } from "./typing.ts";

const LOOK_EVERY_MS = 50;

/** What is done inside the page; the worker does the rest, since it survives the page. */
export type PageStep = Exclude<BrowserStep, { readonly type: "navigate" | "evaluate" }>;

/**
 * Does a step as a user would, and tells which element it was done on, if any.
 *
 * @throws StepError as `find` does, and as the field says (`typing.ts`).
 */
export async function doStep(step: PageStep, limits: Limits): Promise<Found | undefined> {
  switch (step.type) {
    case "click":
    case "doubleClick":
    case "hover": {
      const found = await find(step.selectors, step.type === "hover" ? "visible" : "uncovered", limits);
      if (step.type === "hover") hover(found.element);
      else click(found.element, step.type === "click" ? 1 : 2);
      return found;
    }
    case "change": {
      const found = await find(step.selectors, "enabled", limits, takesValue);
      change(found.element, step.value);
      return found;
    }
    case "keyDown":
    case "keyUp":
      return pressKey(step, limits);
    case "scroll":
      return scroll(step, limits);
    case "waitForElement":
      return find(step.selectors, step.visible === false ? "present" : "visible", limits);
    case "waitForText":
      await waitForText(step.text, limits);
      return undefined;
  }
}

async function pressKey(
  step: Extract<PageStep, { readonly type: "keyDown" | "keyUp" }>,
  limits: Limits,
): Promise<Found | undefined> {
  const found = step.selectors === undefined ? undefined : await find(step.selectors, "enabled", limits);
  if (found?.element instanceof HTMLElement) found.element.focus();
  const target = found?.element instanceof HTMLElement ? found.element : focused();
  if (step.type === "keyDown") keyDown(target, step.key);
  else keyUp(target, step.key);
  return found;
}

/** Without a position the element is brought into view; with one, it (or the page) is scrolled there. */
async function scroll(
  step: Extract<PageStep, { readonly type: "scroll" }>,
  limits: Limits,
): Promise<Found | undefined> {
  const found = step.selectors === undefined ? undefined : await find(step.selectors, "visible", limits);
  const position = { left: step.x ?? 0, top: step.y ?? 0, behavior: "instant" } as const;
  if (found === undefined) window.scrollTo(position);
  else if (step.x === undefined && step.y === undefined) {
    found.element.scrollIntoView({ block: "center", behavior: "instant" });
  } else found.element.scrollTo(position);
  return found;
}

async function waitForText(text: string, limits: Limits): Promise<void> {
  const startMs = performance.now();
  while (new PageView(document).withText(text).length === 0) {
    if (performance.now() - startMs >= limits.timeoutMs) {
      throw new StepError(
        "not_found",
        `The text ${JSON.stringify(text)} did not appear on ${location.href} within ${limits.timeoutMs} ms.`,
        "`interact page` shows what the page says instead.",
      );
    }
    await pause(LOOK_EVERY_MS, limits.signal);
  }
}
