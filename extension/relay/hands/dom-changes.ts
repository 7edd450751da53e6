import { describe } from "./find.ts";
import { isVisible, PageView, textOf } from "./page-view.ts";

/** Elements remembered of each kind of change; more are only counted. */
const REMEMBERED_MAX = 100;
const TOLD_MAX = 3;
const LINE_CHARS_MAX = 300;

/** Watches the page for what appears, goes and changes, also in the open shadow roots of the start. */
export class DomChanges {
  readonly #observer: MutationObserver;
  readonly #added = new Set<Element>();
  readonly #reworded = new Set<Element>();
  #removed = 0;
  #attributes = 0;
  readonly #url = location.href;
  readonly #title = document.title;

  constructor() {
    this.#observer = new MutationObserver((changes) => this.#note(changes));
    for (const root of new PageView(document).roots) {
      this.#observer.observe(root, { subtree: true, childList: true, characterData: true, attributes: true });
    }
  }

  stop(): void {
    this.#observer.disconnect();
  }

  /** One line: what appeared, went, changed; `nothing changed` where nothing did. */
  summary(): string {
    this.#note(this.#observer.takeRecords());
    const view = new PageView(document);
    const shown = [...this.#added].filter(
      (element) => element.isConnected && isVisible(element) && textOf(element) !== "",
    );
    const outermost = shown.filter(
      (element) => !shown.some((other) => other !== element && other.contains(element)),
    );
    const reworded = [...this.#reworded].filter(
      (element) =>
        element.isConnected && isVisible(element) && !shown.some((other) => other.contains(element)),
    );
    const parts = [
      location.href === this.#url ? "" : `went to ${location.href}`,
      document.title === this.#title ? "" : `title now "${document.title}"`,
      told("appeared", outermost, view),
      told("now says", reworded, view),
      this.#removed === 0 ? "" : `${count(this.#removed, "element")} removed`,
      this.#attributes === 0 ? "" : `${count(this.#attributes, "attribute")} changed`,
    ].filter((part) => part !== "");
    const line = parts.length === 0 ? "nothing changed" : parts.join("; ");
    return line.length > LINE_CHARS_MAX ? `${line.slice(0, LINE_CHARS_MAX - 1)}…` : line;
  }

  #note(changes: readonly MutationRecord[]): void {
    for (const { type, target, addedNodes, removedNodes } of changes) {
      if (type === "attributes") this.#attributes += 1;
      for (const node of addedNodes) {
        if (node instanceof Element) remember(this.#added, node);
        else if (node instanceof Text && target instanceof Element) remember(this.#reworded, target);
      }
      if (type === "characterData" && target.parentElement !== null)
        remember(this.#reworded, target.parentElement);
      for (const node of removedNodes) if (node instanceof Element) this.#removed += 1;
    }
  }
}

function remember(elements: Set<Element>, element: Element): void {
  if (elements.size < REMEMBERED_MAX) elements.add(element);
}

/** `appeared: listitem "1 × tea", button "Remove" and 3 more`. */
function told(what: string, elements: readonly Element[], view: PageView): string {
  if (elements.length === 0) return "";
  const names = elements.slice(0, TOLD_MAX).map((element) => describeWithText(element, view));
  const more = elements.length > TOLD_MAX ? ` and ${elements.length - TOLD_MAX} more` : "";
  return `${what}: ${names.join(", ")}${more}`;
}

function describeWithText(element: Element, view: PageView): string {
  const described = describe(element, view);
  if (described.includes('"')) return described;
  const text = textOf(element);
  return text === "" ? described : `${described} "${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
