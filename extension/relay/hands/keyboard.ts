/** What follows a key when the page does not prevent it: events made by a script have no default action. */
const AFTER_KEY_DOWN: Readonly<Record<string, (target: HTMLElement, shift: boolean) => void>> = {
  Enter: pressEnter,
  Tab: (target, shift) => focusNext(target, shift ? -1 : 1),
  Escape: closeTop,
  Backspace: () => document.execCommand("delete"),
  Delete: () => document.execCommand("forwardDelete"),
};

const AFTER_KEY_UP: Readonly<Record<string, (target: HTMLElement) => void>> = {
  " ": (target) => {
    if (
      target.matches("button, summary, input:is([type=checkbox], [type=radio], [type=button], [type=submit])")
    ) {
      target.click();
    }
  },
};

/** Names that differ from their `code`, and the codes pages still read (`keyCode`). */
const KEYS: Readonly<Record<string, { readonly code: string; readonly keyCode: number }>> = {
  Enter: { code: "Enter", keyCode: 13 },
  Tab: { code: "Tab", keyCode: 9 },
  Escape: { code: "Escape", keyCode: 27 },
  " ": { code: "Space", keyCode: 32 },
  Backspace: { code: "Backspace", keyCode: 8 },
  Delete: { code: "Delete", keyCode: 46 },
  Home: { code: "Home", keyCode: 36 },
  End: { code: "End", keyCode: 35 },
  PageUp: { code: "PageUp", keyCode: 33 },
  PageDown: { code: "PageDown", keyCode: 34 },
  ArrowLeft: { code: "ArrowLeft", keyCode: 37 },
  ArrowUp: { code: "ArrowUp", keyCode: 38 },
  ArrowRight: { code: "ArrowRight", keyCode: 39 },
  ArrowDown: { code: "ArrowDown", keyCode: 40 },
};

const FOCUSABLE =
  "a[href], area[href], button, input:not([type=hidden]), select, textarea, summary, iframe, [tabindex], [contenteditable='']," +
  " [contenteditable=true]";

/** Presses a key on an element, with what a browser does on it: text, submit, next field, close. */
export function keyDown(target: HTMLElement, key: string): void {
  if (!sendKey(target, "keydown", key)) return;
  const after = AFTER_KEY_DOWN[key];
  if (after !== undefined) after(target, false);
  else if ([...key].length === 1) insertText(target, key);
}

/** Lets a key go. */
export function keyUp(target: HTMLElement, key: string): void {
  if (sendKey(target, "keyup", key)) AFTER_KEY_UP[key]?.(target);
}

/** Sends a key event alone; false when the page prevented what follows. */
export function sendKey(target: HTMLElement, type: "keydown" | "keyup", key: string): boolean {
  const known = KEYS[key] ?? { code: codeOf(key), keyCode: key.toUpperCase().charCodeAt(0) };
  const init = { key, ...known, bubbles: true, cancelable: true, composed: true, view: window };
  return target.dispatchEvent(new KeyboardEvent(type, init));
}

/** What has the focus, through open shadow roots; the body when nothing has. */
export function focused(): HTMLElement {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return active instanceof HTMLElement ? active : document.body;
}

function codeOf(key: string): string {
  if (/^[a-z]$/i.test(key)) return `Key${key.toUpperCase()}`;
  return /^\d$/.test(key) ? `Digit${key}` : "";
}

function insertText(target: HTMLElement, text: string): void {
  target.focus();
  document.execCommand("insertText", false, text);
}

/** Submits the form of a field by its default button, as implicit submission does; activates a button or link. */
function pressEnter(target: HTMLElement): void {
  if (target instanceof HTMLTextAreaElement || target.isContentEditable) {
    document.execCommand("insertLineBreak");
    return;
  }
  if (target.matches("a[href], button, summary")) {
    target.click();
    return;
  }
  if (!(target instanceof HTMLInputElement) || target.form === null) return;
  const button = [...target.form.elements].find((element) =>
    element.matches(":is(button, input)[type=submit], button:not([type])"),
  );
  if (button instanceof HTMLElement) button.click();
  else target.form.requestSubmit();
}

function focusNext(from: HTMLElement, direction: 1 | -1): void {
  const stops = [...document.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (element) => element.tabIndex >= 0 && !element.matches(":disabled") && element.checkVisibility(),
  );
  const at = stops.indexOf(from);
  const next = at < 0 ? stops[0] : stops[at + direction];
  if (next === undefined) from.blur();
  else next.focus();
}

function closeTop(): void {
  const dialog = [...document.querySelectorAll("dialog")].findLast((element) => element.matches(":modal"));
  if (dialog === undefined) return;
  if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
}
