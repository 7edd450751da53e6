import type { BrowserStep, Selectors } from "../../../src/http/api-types.ts";
import type { RecordedStep } from "../../model/hand-messages.ts";
import { isSecretField } from "../field-facts.ts";
import { PageView } from "./page-view.ts";
import { selectorsOf } from "./selectors.ts";

/** Keys that do something by themselves; all others are part of a field's value. */
const KEYS: ReadonlySet<string> = new Set(["Enter", "Escape", "Tab"]);
const ACTED_ON =
  "a[href], button, input, select, textarea, summary, label, option, [role], [onclick], [tabindex], [contenteditable]";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement | HTMLElement;

/**
 * Turns what the user does into UserFlow steps: clicks, one `change` per field when it is left, sent or done, and the
 * keys Enter, Escape and Tab. Only real input counts (`isTrusted`): what scripts do follows from it on replay. Selectors are
 * made before the page reacts, while the element is still there.
 */
export class Recorder {
  readonly #tell: (recorded: RecordedStep) => void;
  #listening: AbortController | undefined;
  /** A field with typed text that is not told yet. */
  #typing: { readonly field: Field; readonly selectors: Selectors } | undefined;

  constructor(tell: (recorded: RecordedStep) => void) {
    this.#tell = tell;
  }

  /** Listens from now on; nothing happens when it does already. */
  start(): void {
    if (this.#listening !== undefined) return;
    this.#listening = new AbortController();
    const options = { capture: true, passive: true, signal: this.#listening.signal };
    addEventListener("click", (event) => this.#click(event), options);
    addEventListener("dblclick", (event) => this.#doubleClick(event), options);
    addEventListener("input", (event) => this.#input(event), options);
    addEventListener("change", (event) => this.#input(event, true), options);
    addEventListener("focusout", () => this.flush(), options);
    addEventListener("keydown", (event) => this.#key("keyDown", event), options);
    addEventListener("keyup", (event) => this.#key("keyUp", event), options);
  }

  stop(): void {
    this.flush();
    this.#listening?.abort();
    this.#listening = undefined;
  }

  /** Tells the field that is being typed into, if any. */
  flush(): void {
    const typing = this.#typing;
    if (typing === undefined) return;
    this.#typing = undefined;
    // Passwords, codes and card numbers never leave the page.
    const withheld = typing.field instanceof HTMLInputElement && isSecretField(typing.field);
    const value = withheld ? "" : valueOfField(typing.field);
    this.#tell({ step: { type: "change", selectors: typing.selectors, value }, withheld });
  }

  #click(event: MouseEvent): void {
    const target = targetOf(event);
    // A click without a press (`detail` 0) follows from a key, a label or a form, which are told themselves.
    if (!event.isTrusted || event.detail === 0 || target === undefined) return;
    this.flush();
    // Choosing is told as change of the list.
    if (target instanceof HTMLSelectElement || target instanceof HTMLOptionElement) return;
    this.#tellStep({ type: "click", selectors: selectorsOf(actedOn(target)) });
  }

  #doubleClick(event: MouseEvent): void {
    const target = targetOf(event);
    if (!event.isTrusted || target === undefined) return;
    this.#tellStep({ type: "doubleClick", selectors: selectorsOf(actedOn(target)) });
  }

  #input(event: Event, done = false): void {
    const field = targetOf(event);
    if (!event.isTrusted || !(field instanceof HTMLElement) || isToggle(field)) return;
    const known = this.#typing?.field === field;
    // A `change` that was told on Enter or on leaving is not told again.
    if (done && !known && !(field instanceof HTMLSelectElement) && !isPicked(field)) return;
    if (!known) {
      this.flush();
      this.#typing = { field, selectors: selectorsOf(field) };
    }
    if (done) this.flush();
  }

  #key(type: "keyDown" | "keyUp", event: KeyboardEvent): void {
    if (!event.isTrusted || event.isComposing || event.repeat) return;
    const target = targetOf(event);
    const isText =
      target instanceof HTMLTextAreaElement || (target instanceof HTMLElement && target.isContentEditable);
    const presses =
      event.key === " " &&
      target instanceof HTMLElement &&
      target.matches("button, summary, [type=checkbox], [type=radio]");
    if (!(KEYS.has(event.key) || presses) || (isText && event.key === "Enter")) return;
    if (type === "keyDown") this.flush();
    this.#tellStep({ type, key: event.key });
  }

  #tellStep(step: BrowserStep): void {
    this.#tell({ step, withheld: false });
  }
}

/** Told by their click. */
function isToggle(field: Element): boolean {
  return field.matches("input:is([type=checkbox], [type=radio], [type=button], [type=submit], [type=file])");
}

function isPicked(field: Element): boolean {
  return field.matches(
    "input:is([type=date], [type=datetime-local], [type=month], [type=week], [type=time], [type=color], [type=range])",
  );
}

function valueOfField(field: Field): string {
  return "value" in field && typeof field.value === "string" ? field.value : (field.textContent ?? "");
}

/** The innermost element under the pointer, through open shadow roots. */
function targetOf(event: Event): Element | undefined {
  const [target] = event.composedPath();
  return target instanceof Element ? target : undefined;
}

/** The control that a click is meant for: an icon inside a button is no goal of its own. */
function actedOn(target: Element): Element {
  const control = target.closest(ACTED_ON);
  return control === null || new PageView(document).role(control) === "document" ? target : control;
}
