import type { PageView } from "./page-view.ts";

type Scope = Document | ShadowRoot | Element;

/** How a part with this prefix is looked for; `text` is what stands behind the prefix. */
type Notation = (text: string, scopes: readonly Scope[], view: PageView) => readonly Element[];

const NOTATIONS: Readonly<Record<string, Notation>> = {
  aria: (text, scopes, view) => {
    const { name, role } = ariaParts(text);
    return within(scopes, view.named(name, role));
  },
  text: (text, scopes, view) => within(scopes, view.withText(text)),
  pierce: (text, scopes, view) =>
    within(
      scopes,
      view.roots.flatMap((root) => [...root.querySelectorAll(text)]),
    ),
  xpath: (text, scopes) => scopes.flatMap((scope) => byXpath(text, scope)),
};

/**
 * All elements that one selector finds: a list of parts, each looked for inside the shadow roots (or else the
 * elements) that the part before it found. `aria/Name[role="button"]`, `text/…` and `pierce/…` look through open
 * shadow roots, CSS and `xpath/…` do not. A part that is not valid finds nothing.
 */
export function select(selector: readonly string[], view: PageView): readonly Element[] {
  let scopes: readonly Scope[] = view.roots.slice(0, 1);
  let found: readonly Element[] = [];
  for (const part of selector) {
    found = selectPart(part, scopes, view);
    scopes = found.map((element) => element.shadowRoot ?? element);
  }
  return found;
}

/** `Name[role="button"]`, the role being optional. */
export function ariaParts(text: string): { readonly name: string; readonly role?: string } {
  const match = /^(.*)\[role=(["'])([\w-]+)\2\]$/s.exec(text);
  return match === null ? { name: text } : { name: match[1] ?? "", role: match[3] ?? "" };
}

function selectPart(part: string, scopes: readonly Scope[], view: PageView): readonly Element[] {
  const slash = part.indexOf("/");
  const notation = slash < 0 ? undefined : NOTATIONS[part.slice(0, slash)];
  try {
    if (notation !== undefined) return notation(part.slice(slash + 1), scopes, view);
    return scopes.flatMap((scope) => [...scope.querySelectorAll(part)]);
  } catch (error) {
    // Selectors come from outside; whoever asks learns that nothing was found.
    if (error instanceof DOMException) return [];
    throw error;
  }
}

function within(scopes: readonly Scope[], elements: readonly Element[]): readonly Element[] {
  if (scopes.some((scope) => scope instanceof Document)) return elements;
  return elements.filter((element) => scopes.some((scope) => holds(scope, element)));
}

function holds(scope: Scope, element: Element): boolean {
  for (let node: Node | null = element; node !== null; node = hostOf(node)) {
    if (scope.contains(node)) return true;
  }
  return false;
}

function hostOf(node: Node): Node | null {
  const root = node.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

function byXpath(expression: string, scope: Scope): readonly Element[] {
  const result = document.evaluate(expression, scope, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE);
  const nodes = Array.from({ length: result.snapshotLength }, (_, index) => result.snapshotItem(index));
  return nodes.filter((node) => node instanceof Element);
}
