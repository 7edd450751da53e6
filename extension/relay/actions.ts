import type { Attributes } from "../model/records.ts";
import { redactText } from "../model/redact.ts";
import { type Field, fieldFacts, isSecretField } from "./field-facts.ts";
import { PageView } from "./hands/page-view.ts";
import { select } from "./hands/select.ts";
import { selectorsOf } from "./hands/selectors.ts";

/** Something the user did. It is told before the page's own handlers run. */
export interface UserAction {
  /** Event name on the wire. */
  readonly event: string;
  /** One line, such as `click button "Pay"`. */
  readonly text: string;
  readonly attributes: Attributes;
  /** Works out the ways to find the element, which takes tens of milliseconds on a large page: see `selectorsSince`. */
  readonly selectors: () => readonly (readonly string[])[];
  /** Whether it begins something new, goes on with what is under way, or is only told. */
  readonly scene: "new" | "joined" | "none";
}

/** Actions this close to the one before were caused by it: the submit of a click, the click of a key. */
const CAUSED_MS = 50;
const NAME_CHARS = 60;
/** Keys that do something by themselves; the rest is typing, which is told as input. */
const TELLING_KEYS = /^(?:Enter|Escape|Tab|Backspace|Delete|Arrow\w+|Page\w+|Home|End|F\d+)$/;
/** Of the keys told, those that pages act upon. */
const ACTING_KEYS = /^(?:Enter|Escape|F\d+)$/;

const INTERACTIVE =
  "a[href], button, input, select, textarea, label, summary, option, [role], [onclick], [tabindex], [contenteditable]";

/** Hears clicks, inputs, submits and keys in this frame, before the page does. */
export function watchActions(tell: (action: UserAction) => void): void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let typingIn: Element | undefined;
  const sceneNow = (): "new" | "joined" => {
    const now = performance.now();
    const caused = now - lastMs < CAUSED_MS;
    lastMs = now;
    typingIn = undefined;
    return caused ? "joined" : "new";
  };

  on("click", (target) => {
    const element = target.closest(INTERACTIVE) ?? target;
    tell(action("click", "browser.user_action.click", element, sceneNow(), {}));
  });
  on("submit", (target) => {
    tell(action("submit", "gasoline.browser.submit", target, sceneNow(), formFacts(target)));
  });
  on("keydown", (target, event) => {
    const { key, ctrlKey, altKey, metaKey, repeat } = event as KeyboardEvent;
    const isShortcut = (ctrlKey || altKey || metaKey) && key.length === 1;
    if (repeat || typeof key !== "string" || !(isShortcut || TELLING_KEYS.test(key))) return;
    const keys = [ctrlKey && "Control", altKey && "Alt", metaKey && "Meta", key].filter(Boolean).join("+");
    const scene = isShortcut || ACTING_KEYS.test(key) ? sceneNow() : "none";
    tell(
      action(`press ${keys}`, "gasoline.browser.key", target, scene, { "gasoline.browser.key.name": keys }),
    );
  });
  // Typing is one scene a field: what the page asks for on the way (suggestions) belongs to it.
  on("input", (target) => {
    if (typingIn === target) return;
    const scene = performance.now() - lastMs < CAUSED_MS ? "joined" : "new";
    typingIn = target;
    if (scene === "new") tell(action("input", "", target, scene, {}));
  });
  on("change", (target) => {
    if (!isField(target)) return;
    tell(action("input", "gasoline.browser.input", target, "none", fieldFacts(target)));
    typingIn = undefined;
  });
}

function on(type: string, handle: (target: Element, event: Event) => void): void {
  addEventListener(
    type,
    (event) => {
      const target = event.composedPath()[0];
      if (target instanceof Element) handle(target, event);
    },
    { capture: true, passive: true },
  );
}

function action(
  verb: string,
  event: string,
  element: Element,
  scene: UserAction["scene"],
  more: Attributes,
): UserAction {
  const view = new PageView(document);
  const role = view.role(element) || element.localName;
  // A secret field's own name is no secret, but what a page writes beside it may be what was typed.
  const name = redactText(view.name(element).slice(0, NAME_CHARS));
  return {
    event,
    text: `${verb} ${role}${name === "" ? "" : ` "${name}"`}`,
    attributes: { "gasoline.browser.role": role, "gasoline.browser.name": name, ...more },
    selectors: () => selectorsSince(element, { role: view.role(element), name: view.name(element) }),
    scene,
  };
}

/**
 * Selectors of an element that was acted upon, asked after the page's handlers: they may have renamed or removed it,
 * so what the user saw comes first then, unless something else goes by that name by now.
 */
function selectorsSince(element: Element, was: { readonly role: string; readonly name: string }): string[][] {
  const view = new PageView(document);
  const now = element.isConnected ? selectorsOf(element, view) : [];
  if (was.role === "" || was.name === "" || (element.isConnected && view.name(element) === was.name))
    return now;
  const seen = [`aria/${was.name}[role="${was.role}"]`];
  const others = select(seen, view).filter((found) => found !== element);
  const lasting = now.filter(([first = ""]) => !/^(?:aria|text)\//.test(first));
  return others.length > 0 ? lasting : [seen, ...lasting];
}

function isField(element: Element): element is Field {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLTextAreaElement ||
    element instanceof HTMLSelectElement
  );
}

function formFacts(target: Element): Attributes {
  if (!(target instanceof HTMLFormElement)) return {};
  const fields = [...target.elements].filter(isField);
  return {
    "gasoline.browser.submit.method": target.method,
    "gasoline.browser.submit.fields": fields.length,
    "gasoline.browser.submit.secret_fields": fields.filter(isSecretField).length,
    "gasoline.browser.submit.invalid_fields": fields.filter(({ validity }) => !validity.valid).length,
  };
}
