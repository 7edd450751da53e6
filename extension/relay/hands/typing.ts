import { sendKey } from "./keyboard.ts";
import { StepError } from "./step-error.ts";

/** Longer text goes in as one piece, as if pasted. */
const TYPED_CHARS_MAX = 200;
/** Fields whose value is set whole: a user picks it, or types it into parts that a script cannot reach. */
const PICKED: ReadonlySet<string> = new Set([
  "date",
  "datetime-local",
  "month",
  "week",
  "time",
  "color",
  "range",
  "number",
]);

/**
 * Puts a value into a field as a user would: focus, keys, `beforeinput`, `input`, and `change` at the end, so that
 * React, Vue and the like see it (they watch the property of the page's own world; this world sets the real one).
 * A select takes the option by value or label, a checkbox or switch `true` or `false`.
 *
 * @throws StepError `no_option`, `read_only` or `not_a_field`.
 */
export function change(element: Element, value: string): void {
  if (element instanceof HTMLSelectElement) choose(element, value);
  else if (element instanceof HTMLInputElement && ["checkbox", "radio"].includes(element.type))
    tick(element, value);
  else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement)
    fill(element, value);
  else if (element instanceof HTMLElement && element.isContentEditable) write(element, value);
  else if (element.getAttribute("aria-checked") !== null && element instanceof HTMLElement) element.click();
  else {
    const remedy =
      "Use `change` on an input, textarea, select or editable element; `interact page` lists them.";
    throw new StepError("not_a_field", `<${element.localName}> takes no value.`, remedy);
  }
}

/** Whether `change` can be done on an element. */
export function takesValue(element: Element): boolean {
  return (
    element.matches("input, textarea, select") ||
    (element instanceof HTMLElement && element.isContentEditable)
  );
}

function choose(select: HTMLSelectElement, value: string): void {
  const options = [...select.options];
  const option =
    options.find((each) => each.value === value) ??
    options.find((each) => each.label.trim() === value.trim());
  if (option === undefined || option.disabled) {
    const there = options.map((each) => JSON.stringify(each.label)).slice(0, 20);
    throw new StepError(
      "no_option",
      `The list has no option ${JSON.stringify(value)}.`,
      `It has ${there.join(", ")}.`,
    );
  }
  select.focus();
  select.value = option.value;
  announce(select, ["input", "change"]);
}

function tick(box: HTMLInputElement, value: string): void {
  const wanted = !["false", "off", "0", ""].includes(value.toLowerCase());
  box.focus();
  if (box.checked !== wanted) box.click();
}

function fill(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  if (field.readOnly || field.type === "file") {
    const what = field.type === "file" ? "A file cannot be chosen by a script." : "The field is read-only.";
    throw new StepError("read_only", what, "Let the user do this step, or go another way.");
  }
  field.focus();
  if (PICKED.has(field.type)) set(field, value);
  else {
    field.select();
    type(field, value);
    // Masks and editors may have changed it on the way, which is theirs to do; nothing at all is a failure of typing.
    if (field.value === "" && value !== "") set(field, value);
  }
  announce(field, ["change"]);
}

function write(element: HTMLElement, value: string): void {
  element.focus();
  getSelection()?.selectAllChildren(element);
  type(element, value);
}

/** Types over the selection, key by key. The browser's own editing sends trusted `beforeinput` and `input`. */
function type(target: HTMLElement, text: string): void {
  if (text === "") {
    document.execCommand("delete");
    return;
  }
  const letters = [...text];
  const pieces = letters.length > TYPED_CHARS_MAX ? [text] : letters;
  for (const piece of pieces) {
    const typed = pieces.length > 1 || letters.length === 1;
    if (typed && !sendKey(target, "keydown", piece)) continue;
    document.execCommand("insertText", false, piece);
    if (typed) sendKey(target, "keyup", piece);
  }
}

function set(field: HTMLInputElement | HTMLTextAreaElement, value: string): void {
  field.value = value;
  if (field.value === "" && value !== "") {
    const remedy = "Give it as HTML does: 2026-01-31, 13:30, 2026-01-31T13:30, #ff8800, 12.5.";
    throw new StepError(
      "not_a_value",
      `A ${field.type} field does not take ${JSON.stringify(value)}.`,
      remedy,
    );
  }
  field.dispatchEvent(
    new InputEvent("input", { bubbles: true, composed: true, inputType: "insertReplacementText" }),
  );
}

function announce(element: Element, types: readonly string[]): void {
  for (const name of types)
    element.dispatchEvent(new Event(name, { bubbles: true, composed: name === "input" }));
}
