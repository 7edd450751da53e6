import { middleOf } from "./find.ts";

/** What each gesture sends, in the order a browser sends it. */
const ENTER = ["pointerover", "pointerenter", "mouseover", "mouseenter", "pointermove", "mousemove"] as const;
const DOES_NOT_BUBBLE: ReadonlySet<string> = new Set(["pointerenter", "mouseenter"]);
const PRIMARY = 1;

/** Moves the pointer onto an element. `:hover` styles do not follow: only real input sets them. */
export function hover(element: Element): void {
  for (const type of ENTER) send(element, type, {});
}

/** Clicks in the middle of an element, `count` times, moving focus as a press does. */
export function click(element: Element, count: 1 | 2): void {
  hover(element);
  for (let detail = 1; detail <= count; detail++) {
    const held = { button: 0, buttons: PRIMARY, detail };
    const free = { button: 0, buttons: 0, detail };
    const wanted = [send(element, "pointerdown", held), send(element, "mousedown", held)].every(Boolean);
    if (wanted) moveFocus(element);
    send(element, "pointerup", free);
    send(element, "mouseup", free);
    send(element, "click", free);
  }
  if (count === 2) send(element, "dblclick", { button: 0, buttons: 0, detail: 2 });
}

/** Focus goes to the nearest ancestor that takes it, or else leaves what has it, so that fields commit. */
function moveFocus(element: Element): void {
  for (let at: Element | null = element; at !== null; at = parentThroughShadow(at)) {
    if (!(at instanceof HTMLElement || at instanceof SVGElement)) continue;
    at.focus({ preventScroll: true });
    if (at.matches(":focus")) return;
  }
  if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

function parentThroughShadow(element: Element): Element | null {
  if (element.parentElement !== null) return element.parentElement;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

/** False when the page prevented what usually follows. */
function send(element: Element, type: string, init: MouseEventInit): boolean {
  const { x, y } = middleOf(element);
  const all = {
    bubbles: !DOES_NOT_BUBBLE.has(type),
    cancelable: !DOES_NOT_BUBBLE.has(type),
    composed: true,
    view: window,
    clientX: x,
    clientY: y,
    ...init,
  };
  const isPointer = type.startsWith("pointer") || type === "click";
  const event = isPointer
    ? new PointerEvent(type, { ...all, pointerId: 1, pointerType: "mouse", isPrimary: true })
    : new MouseEvent(type, all);
  return element.dispatchEvent(event);
}
