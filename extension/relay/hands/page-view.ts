import { computeAccessibleName, getRole } from "dom-accessibility-api";

/** Roles that say nothing of what an element is for. */
const NO_ROLES: ReadonlySet<string> = new Set(["generic", "none", "presentation"]);

/**
 * One look at a page: its elements through open shadow roots, with role and accessible name, each worked out once.
 * It goes stale with the next change of the page, so make one per question. Names cost 20–100 µs each
 * (computed styles); asking for one role first keeps a question on 5,000 elements in the milliseconds.
 */
export class PageView {
  readonly #document: Document;
  readonly #names = new Map<Element, string>();
  readonly #roles = new Map<Element, string>();
  #roots: readonly (Document | ShadowRoot)[] | undefined;
  #elements: readonly Element[] | undefined;
  #byRole: Map<string, Element[]> | undefined;

  constructor(document: Document) {
    this.#document = document;
  }

  /** The document and every open shadow root, in document order. */
  get roots(): readonly (Document | ShadowRoot)[] {
    this.#walk();
    return this.#roots ?? [];
  }

  /** Every element, shadow trees where their host stands. */
  get elements(): readonly Element[] {
    this.#walk();
    return this.#elements ?? [];
  }

  /** The ARIA role; empty for one that says nothing. */
  role(element: Element): string {
    let role = this.#roles.get(element);
    if (role === undefined) {
      const known = getRole(element) ?? "";
      role = NO_ROLES.has(known) ? "" : known;
      this.#roles.set(element, role);
    }
    return role;
  }

  /** The accessible name in single spaces; empty without one. */
  name(element: Element): string {
    let name = this.#names.get(element);
    if (name === undefined) {
      name = inSingleSpaces(computeAccessibleName(element));
      this.#names.set(element, name);
    }
    return name;
  }

  /** Elements of a role, or of any, that assistive technology sees under this name. */
  named(name: string, role?: string): readonly Element[] {
    const wanted = inSingleSpaces(name);
    return this.ofRole(role).filter((element) => isExposed(element) && this.name(element) === wanted);
  }

  /** Elements of a role; without one, all that have a role. */
  ofRole(role?: string): readonly Element[] {
    this.#byRole ??= Map.groupBy(this.elements, (element) => this.role(element));
    if (role !== undefined) return this.#byRole.get(role) ?? [];
    return this.elements.filter((element) => this.role(element) !== "");
  }

  /**
   * The innermost visible elements whose text is this; where none is, those whose text holds it, as Chrome DevTools
   * Recorder means it.
   */
  withText(text: string): readonly Element[] {
    const wanted = inSingleSpaces(text);
    if (wanted === "") return [];
    const holding = this.roots.flatMap((root) => [...innermostHolding(root, wanted)]);
    const exact = holding.filter((element) => textOf(element) === wanted);
    return exact.length > 0 ? exact : holding;
  }

  #walk(): void {
    if (this.#elements !== undefined) return;
    const roots: (Document | ShadowRoot)[] = [];
    const elements: Element[] = [];
    const visit = (root: Document | ShadowRoot): void => {
      roots.push(root);
      for (const element of root.querySelectorAll("*")) {
        elements.push(element);
        if (element.shadowRoot !== null) visit(element.shadowRoot);
      }
    };
    visit(this.#document);
    this.#roots = roots;
    this.#elements = elements;
  }
}

/** Whether it is rendered and not hidden from assistive technology. */
export function isExposed(element: Element): boolean {
  return isVisible(element) && element.closest("[aria-hidden='true']") === null;
}

/** Whether it is rendered: neither it nor an ancestor is `display: none` or `visibility: hidden`. */
export function isVisible(element: Element): boolean {
  return element.checkVisibility({ visibilityProperty: true });
}

/** What a reader sees of an element: its text, or what a button's `value` says. */
export function textOf(element: Element): string {
  if (element instanceof HTMLInputElement) {
    return ["submit", "button", "reset"].includes(element.type) ? inSingleSpaces(element.value) : "";
  }
  return inSingleSpaces(element.textContent ?? "");
}

/** White space as it is rendered. */
export function inSingleSpaces(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function* innermostHolding(node: Document | ShadowRoot | Element, text: string): Iterable<Element> {
  const element = node instanceof Element ? node : undefined;
  if (element !== undefined && (!textOf(element).includes(text) || !isVisible(element))) return;
  let inside = false;
  for (const child of node.children) {
    for (const found of innermostHolding(child, text)) {
      inside = true;
      yield found;
    }
  }
  if (!inside && element !== undefined) yield element;
}
