import { isDisabled } from "dom-accessibility-api";
import type { Selectors } from "../../../src/http/api-types.ts";
import { inSingleSpaces, isVisible, PageView, textOf } from "./page-view.ts";
import { ariaParts, select } from "./select.ts";
import { selectorOf } from "./selectors.ts";
import { StepError } from "./step-error.ts";

/** How long a better selector may be late before a later alternative is taken. */
const HEAL_AFTER_MS = 500;
const LOOK_EVERY_MS = 50;
const NEAREST_MAX = 3;
/** Names beyond these many are not compared with what was asked for. */
const COMPARED_MAX = 500;

/** What a step needs of its element, each including those before it. */
export type Need = "present" | "visible" | "enabled" | "uncovered";

export interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Found {
  readonly element: Element;
  /** The alternative that found it. */
  readonly selector: readonly string[];
  /** An earlier alternative found nothing, or more than one. */
  readonly healed: boolean;
}

/**
 * Waits until one of the alternatives finds a single element that is fit for the step, and says which did. The first
 * alternative is preferred; a later one counts when the first still fails after half a second (or half the time).
 *
 * @param fits Chooses among several that one alternative finds: a label's field, say, before a button of that name.
 * @throws StepError `not_found`, `ambiguous`, `hidden`, `disabled` or `covered` when time is up; `cancelled`.
 */
export async function find(
  selectors: Selectors,
  need: Need,
  limits: Limits,
  fits?: (element: Element) => boolean,
): Promise<Found> {
  const startMs = performance.now();
  const healAfterMs = Math.min(HEAL_AFTER_MS, limits.timeoutMs / 2);
  for (;;) {
    const lookMs = performance.now();
    const view = new PageView(document);
    const found = unique(selectors, view, fits);
    const mayHeal = lookMs - startMs >= healAfterMs;
    const fit = found !== undefined && (mayHeal || !found.healed) ? found : undefined;
    const problem = fit === undefined ? undefined : problemOf(fit.element, need, view);
    if (fit !== undefined && problem === undefined) return fit;
    const nowMs = performance.now();
    if (nowMs - startMs >= limits.timeoutMs) throw problem ?? notUnique(selectors, view, limits.timeoutMs);
    // A look at a huge page may cost more than the pause; the page gets at least half of the time.
    await pause(Math.max(LOOK_EVERY_MS, nowMs - lookMs), limits.signal);
  }
}

/**
 * Resolves after a pause.
 * @throws StepError `cancelled` when the signal says so.
 */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new StepError("cancelled", "The step was cancelled.", "Send it again."));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, durationMs);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

function unique(
  selectors: Selectors,
  view: PageView,
  fits: ((element: Element) => boolean) | undefined,
): Found | undefined {
  for (const [index, selector] of selectors.entries()) {
    const all = select(selector, view);
    const elements = all.length > 1 && fits !== undefined ? all.filter(fits) : all;
    if (elements.length === 1 && elements[0] !== undefined) {
      return { element: elements[0], selector, healed: index > 0 };
    }
  }
  return undefined;
}

/** What keeps an element from being fit, checked in the order of `Need`. */
function problemOf(element: Element, need: Need, view: PageView): StepError | undefined {
  const name = describe(element, view);
  const wants = (wanted: Need): boolean => NEEDS.indexOf(need) >= NEEDS.indexOf(wanted);
  if (wants("visible") && !isShown(element)) {
    const remedy = "Make it appear first (open its menu, tab or dialog), or wait for it with waitForElement.";
    return new StepError("hidden", `${name} is in the page but not visible.`, remedy);
  }
  if (wants("enabled") && isDisabled(element)) {
    const remedy = "Fill in what it waits for; `interact page` shows the form's state.";
    return new StepError("disabled", `${name} is disabled.`, remedy);
  }
  if (!wants("uncovered")) return undefined;
  const cover = coverOf(element);
  if (cover === undefined) return undefined;
  const remedy = "Close or scroll away what covers it, then repeat the step.";
  return new StepError("covered", `${name} is covered by ${describe(cover, view)}.`, remedy);
}

const NEEDS: readonly Need[] = ["present", "visible", "enabled", "uncovered"];

function isShown(element: Element): boolean {
  const box = element.getBoundingClientRect();
  return isVisible(element) && box.width > 0 && box.height > 0;
}

/** What a click in the middle of an element would hit instead, after scrolling it into view. */
function coverOf(element: Element): Element | undefined {
  const root = element.getRootNode();
  if (!(root instanceof Document || root instanceof ShadowRoot)) return undefined;
  const hit = (): Element | null => {
    const { x, y } = middleOf(element);
    return root.elementFromPoint(x, y);
  };
  let top = hit();
  if (top === null || !belongsTo(top, element)) {
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    top = hit();
  }
  return top === null || belongsTo(top, element) ? undefined : top;
}

/** The middle of an element in the viewport, CSS pixels. */
export function middleOf(element: Element): { x: number; y: number } {
  const box = element.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** A hit on what is inside, on a label, or on the host of its shadow tree counts as a hit. */
function belongsTo(hit: Element, element: Element): boolean {
  if (element.contains(hit) || hit.shadowRoot?.contains(element)) return true;
  return (
    "labels" in element &&
    [...((element as HTMLInputElement).labels ?? [])].some((label) => label.contains(hit))
  );
}

function notUnique(selectors: Selectors, view: PageView, timeoutMs: number): StepError {
  const counts = selectors.map((selector) => ({ selector, count: select(selector, view).length }));
  const told = selectors[0]?.join(" >>> ") ?? "(no selector)";
  const nearest = nearestTo(selectors, view);
  const hint =
    nearest.length === 0 ? "`interact page` lists what is there." : `Nearest: ${nearest.join(", ")}.`;
  const several = counts.find(({ count }) => count > 1);
  if (several !== undefined) {
    const which = several.selector.join(" >>> ");
    return new StepError(
      "ambiguous",
      `${which} finds ${several.count} elements, and no alternative finds exactly one.`,
      `Name one of them by a narrower selector. ${hint}`,
    );
  }
  const others = selectors.length > 1 ? ` (nor do ${selectors.length - 1} alternatives)` : "";
  const message = `${told} finds nothing on ${location.href} within ${timeoutMs} ms${others}.`;
  return new StepError("not_found", message, hint);
}

/** Selectors of visible elements whose names are most like the one that was looked for. */
function nearestTo(selectors: Selectors, view: PageView): readonly string[] {
  const { name, role } = soughtBy(selectors);
  if (name === "") return [];
  const ofRole = view.ofRole(role);
  return (ofRole.length > 0 ? ofRole : view.ofRole())
    .slice(0, COMPARED_MAX)
    .filter(isVisible)
    .map((element) => ({ element, likeness: likeness(view.name(element), name) }))
    .filter((candidate) => candidate.likeness > 0.2)
    .sort((one, other) => other.likeness - one.likeness)
    .slice(0, NEAREST_MAX)
    .flatMap(({ element }) => selectorOf(element, view)?.join(" >>> ") ?? []);
}

/** The words that a person would look for, from whichever alternative has some. */
function soughtBy(selectors: Selectors): { readonly name: string; readonly role?: string } {
  const lasts = selectors.flatMap((selector) => selector.at(-1) ?? []);
  const aria = lasts.find((part) => part.startsWith("aria/"));
  if (aria !== undefined) return ariaParts(aria.slice("aria/".length));
  const text = lasts.find((part) => part.startsWith("text/"));
  if (text !== undefined) return { name: text.slice("text/".length) };
  return { name: inSingleSpaces((lasts[0] ?? "").replace(/[^\p{L}\p{N}]+/gu, " ")) };
}

/** Shared pairs of letters (Dice), 0 to 1. */
function likeness(one: string, other: string): number {
  const pairsOf = (text: string): Set<string> => {
    const letters = text.toLowerCase();
    return new Set(
      Array.from({ length: Math.max(0, letters.length - 1) }, (_, at) => letters.slice(at, at + 2)),
    );
  };
  const pairs = pairsOf(one);
  const others = pairsOf(other);
  if (pairs.size + others.size === 0) return 0;
  const shared = [...pairs].filter((pair) => others.has(pair)).length;
  return (2 * shared) / (pairs.size + others.size);
}

/** `button "Pay"`, or the tag with its start of text. */
export function describe(element: Element, view: PageView): string {
  const role = view.role(element);
  const name = role === "" ? textOf(element) : view.name(element);
  const shown = name.length > 40 ? `${name.slice(0, 39)}…` : name;
  const kind = role === "" ? `<${element.localName}>` : role;
  return shown === "" ? kind : `${kind} "${shown}"`;
}
