import { finder } from "@medv/finder";
import { inSingleSpaces, PageView, textOf } from "./page-view.ts";
import { select } from "./select.ts";

/** At most this many alternatives are told of one element. */
const SELECTORS_MAX = 4;
/** Longer text is prose, which changes. */
const TEXT_CHARS_MAX = 64;

const TEST_IDS = ["data-testid", "data-test-id", "data-test", "data-cy", "data-qa"];
/** What a field or picture says of itself. */
const TELLING = ["placeholder", "alt", "title", "name"];
const LABELLED = "input, select, textarea, meter, output, progress";

/** A selector through shadow roots, in UserFlow notation. */
type Selector = readonly string[];

/** From an element to selectors of one kind that may fit. */
type Rung = (element: Element, view: PageView) => readonly Selector[];

/** The ladder: what a person would name first, and what changes least, comes first. */
const LADDER: readonly Rung[] = [byTestId, byRoleAndName, byLabel, byAttribute, byText];

/**
 * Selectors of an element, best first, at most four, each proven to find this element and no other, also through
 * open shadow roots. The last is a CSS path, so that one remains when all words of the page change.
 *
 * @param view A look at the page as it is now; give one when asking for many elements.
 */
export function selectorsOf(
  element: Element,
  view: PageView = new PageView(element.ownerDocument),
): string[][] {
  const told: Selector[] = [];
  for (const selector of candidates(element, view)) {
    if (told.length < SELECTORS_MAX - 1) told.push(selector);
  }
  const path = byPath(element);
  if (path !== undefined && !told.some((selector) => sameSelector(selector, path))) told.push(path);
  return told.map((selector) => [...selector]);
}

/** The best selector alone: the first rung that holds. Undefined for an element that left the page. */
export function selectorOf(element: Element, view: PageView): Selector | undefined {
  for (const selector of candidates(element, view)) return selector;
  return byPath(element);
}

function* candidates(element: Element, view: PageView): Iterable<Selector> {
  for (const rung of LADDER) {
    for (const selector of rung(element, view)) {
      const found = select(selector, view);
      if (found.length === 1 && found[0] === element) yield selector;
    }
  }
}

function byTestId(element: Element): readonly Selector[] {
  return attributesOf(element, TEST_IDS).map((css) => [inShadow(element) ? `pierce/${css}` : css]);
}

function byRoleAndName(element: Element, view: PageView): readonly Selector[] {
  const role = view.role(element);
  const name = role === "" ? "" : view.name(element);
  return name === "" || name.length > TEXT_CHARS_MAX ? [] : [[`aria/${name}[role="${role}"]`]];
}

/** By its label alone: holds when a field turns from a text box into a combo box. */
function byLabel(element: Element, view: PageView): readonly Selector[] {
  if (!element.matches(LABELLED)) return [];
  const name = view.name(element);
  return name === "" || name.length > TEXT_CHARS_MAX ? [] : [[`aria/${name}`]];
}

function byAttribute(element: Element): readonly Selector[] {
  const tag = element.localName;
  return attributesOf(element, TELLING).map((css) => [
    inShadow(element) ? `pierce/${tag}${css}` : `${tag}${css}`,
  ]);
}

function byText(element: Element): readonly Selector[] {
  const text = textOf(element);
  return text === "" || text.length > TEXT_CHARS_MAX ? [] : [[`text/${text}`]];
}

/** A CSS path, one part per shadow root; undefined where none is found in 50 ms a root. */
function byPath(element: Element): Selector | undefined {
  const parts: string[] = [];
  let current: Element | undefined = element;
  while (current !== undefined) {
    const root: Node = current.getRootNode();
    if (!(root instanceof Document || root instanceof ShadowRoot)) return undefined;
    const part = pathIn(root, current);
    if (part === undefined) return undefined;
    parts.unshift(part);
    current = root instanceof ShadowRoot ? root.host : undefined;
  }
  return parts;
}

function pathIn(root: Document | ShadowRoot, element: Element): string | undefined {
  try {
    return finder(element, {
      root: root as Node as Element,
      timeoutMs: 50,
      maxNumberOfPathChecks: 2_000,
      attr: (name, value) => name === "role" || (name.startsWith("aria-") && value.length < 30),
    });
  } catch {
    // It says so by throwing; an element without a path is told by its other selectors.
    return undefined;
  }
}

function attributesOf(element: Element, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const value = element.getAttribute(name);
    if (value === null || inSingleSpaces(value) === "" || value.length > TEXT_CHARS_MAX) return [];
    return [`[${name}=${JSON.stringify(value)}]`];
  });
}

function inShadow(element: Element): boolean {
  return element.getRootNode() instanceof ShadowRoot;
}

function sameSelector(one: Selector, other: Selector): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
