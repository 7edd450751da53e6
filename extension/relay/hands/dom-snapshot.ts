import type { BrowserLog } from "../../model/records.ts";
import { msToNs } from "../../model/time.ts";

const CHARS_MAX = 60_000;
const ATTRIBUTE_CHARS_MAX = 200;

/** Said by their tag alone: code and styles are no state of the page. */
const EMPTIED: ReadonlySet<string> = new Set([
  "script",
  "style",
  "noscript",
  "template",
  "svg",
  "iframe",
  "object",
]);
/** Attributes that hold what a user typed, or code. */
const LEFT_OUT = /^(value|style|srcdoc|nonce|on.*)$/;
const VOID: ReadonlySet<string> = new Set([
  "area",
  "base",
  "br",
  "col",
  "embed",
  "hr",
  "img",
  "input",
  "link",
  "meta",
  "source",
  "track",
  "wbr",
]);

/**
 * The page's markup as event `gasoline.browser.dom_snapshot`: at most 60,000 characters, open shadow trees as
 * `<template shadowrootmode="open">`, without scripts, styles and the values of fields.
 */
export function domSnapshot(traceId: string, spanId: string): BrowserLog {
  const writer = new Writer();
  writer.element(document.documentElement);
  return {
    kind: "log",
    traceId,
    spanId,
    timeNs: msToNs(performance.timeOrigin + performance.now()),
    severity: 9,
    eventName: "gasoline.browser.dom_snapshot",
    body: writer.text,
    attributes: { "url.full": location.href, "gasoline.browser.dom_snapshot.truncated": writer.isFull },
  };
}

class Writer {
  text = "";
  isFull = false;

  element(element: Element): void {
    if (this.isFull) return;
    const tag = element.localName;
    this.#write(`<${tag}${attributesOf(element)}>`);
    if (VOID.has(tag)) return;
    if (element.shadowRoot !== null) {
      this.#write('<template shadowrootmode="open">');
      this.#children(element.shadowRoot);
      this.#write("</template>");
    }
    if (!EMPTIED.has(tag) && tag !== "textarea") this.#children(element);
    this.#write(`</${tag}>`);
  }

  #children(parent: Node): void {
    for (const child of parent.childNodes) {
      if (child instanceof Element) this.element(child);
      else if (child instanceof Text) this.#write(escaped(child.data.replace(/\s+/g, " ")));
      if (this.isFull) return;
    }
  }

  #write(piece: string): void {
    if (this.text.length + piece.length > CHARS_MAX) this.isFull = true;
    else if (!this.isFull) this.text += piece;
  }
}

function attributesOf(element: Element): string {
  return [...element.attributes]
    .filter(({ name }) => !LEFT_OUT.test(name))
    .map(({ name, value }) => ` ${name}="${escaped(value.slice(0, ATTRIBUTE_CHARS_MAX))}"`)
    .join("");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
