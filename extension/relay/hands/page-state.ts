import { isDisabled } from "dom-accessibility-api";
import type { PageState } from "../../../src/http/api-types.ts";
import { isSecretField } from "../field-facts.ts";
import { isExposed, PageView, textOf } from "./page-view.ts";
import { selectorOf } from "./selectors.ts";

const LINES_MAX = 400;
const TEXT_CHARS_MAX = 80;
const DEPTH_MAX = 12;
/** After this long the rest is counted, not named: the page is blocked meanwhile. */
const BUDGET_MS = 400;

/** Roles of what can be acted on: their lines carry a selector. */
const ACTED_ON: ReadonlySet<string> = new Set([
  "button",
  "link",
  "textbox",
  "searchbox",
  "combobox",
  "listbox",
  "option",
  "checkbox",
  "radio",
  "switch",
  "slider",
  "spinbutton",
  "tab",
  "menuitem",
  "menuitemcheckbox",
  "menuitemradio",
  "treeitem",
]);

/** Roles that are told even without a name. */
const LANDMARKS: ReadonlySet<string> = new Set([
  "main",
  "navigation",
  "banner",
  "contentinfo",
  "complementary",
  "search",
  "form",
  "region",
  "dialog",
  "alertdialog",
  "alert",
  "status",
  "list",
  "table",
  "tablist",
  "menu",
  "group",
]);

/** Of these, the ones whose inside is told too. */
const OPENS: ReadonlySet<string> = new Set(["listbox", "treeitem"]);

/** States, each with how it is read. */
const STATES: readonly (readonly [string, (element: Element) => boolean | string])[] = [
  ["disabled", isDisabled],
  [
    "checked",
    (element) => element.matches(":is([type=checkbox], [type=radio]):checked, [aria-checked=true]"),
  ],
  ["selected", (element) => element.matches("[aria-selected=true]")],
  ["expanded", (element) => element.matches("[aria-expanded=true], details[open] > summary")],
  ["focused", (element) => element.matches(":focus")],
  ["required", (element) => element.matches(":required, [aria-required=true]")],
  ["invalid", (element) => element.matches(":user-invalid, [aria-invalid=true]")],
  ["value", fieldValue],
];

/**
 * The page as assistive technology sees it: indented lines `role "name" [state] → selector` in document order, through
 * open shadow roots, at most 400 lines and about 400 ms; what is left out is counted. Secret fields show no value.
 */
export function pageState(): Omit<PageState, "tab_id"> {
  const view = new PageView(document);
  const endMs = performance.now() + BUDGET_MS;
  const lines: string[] = [];
  let leftOut = 0;
  const visit = (element: Element, depth: number): void => {
    if (!isExposed(element)) return;
    const told = isTold(element, view);
    if (told && lines.length < LINES_MAX && performance.now() < endMs) {
      lines.push(`${"  ".repeat(Math.min(depth, DEPTH_MAX))}${lineOf(element, view)}`);
    } else if (told) leftOut += 1;
    if (told && ACTED_ON.has(view.role(element)) && !OPENS.has(view.role(element))) return;
    const children = [...(element.shadowRoot?.children ?? []), ...element.children];
    for (const child of children) visit(child, told ? depth + 1 : depth);
  };
  if (document.body !== null) for (const child of document.body.children) visit(child, 0);
  return { url: location.href, title: document.title, lines, lines_left_out: leftOut };
}

/** Whether an element gets a line of its own, rather than only grouping others. */
function isTold(element: Element, view: PageView): boolean {
  const role = view.role(element);
  return ACTED_ON.has(role) || LANDMARKS.has(role) || role === "img" || ownText(element) !== "";
}

function lineOf(element: Element, view: PageView): string {
  const role = view.role(element);
  const name = role === "" ? "" : view.name(element);
  const text = ownText(element);
  const said = name === "" ? text : name;
  const states = STATES.flatMap(([word, read]) => {
    const state = read(element);
    if (state === false || state === "") return [];
    return [state === true ? word : `${word}=${JSON.stringify(state)}`];
  });
  const selector = ACTED_ON.has(role) ? selectorOf(element, view) : undefined;
  return [
    role === "" ? "text" : role,
    said === "" ? "" : `"${short(said)}"`,
    name !== "" && text !== "" && text !== name && !ACTED_ON.has(role) ? `"${short(text)}"` : "",
    states.length === 0 ? "" : `[${states.join(", ")}]`,
    selector === undefined ? "" : `→ ${selector.join(" >>> ")}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** Text that stands directly in an element, not in its children. */
function ownText(element: Element): string {
  const hasText = [...element.childNodes].some((node) => node instanceof Text && node.data.trim() !== "");
  return hasText ? textOf(element) : "";
}

function fieldValue(element: Element): string {
  if (element instanceof HTMLSelectElement) return element.selectedOptions[0]?.label ?? "";
  const isField = element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement;
  if (!isField || element.matches("[type=checkbox], [type=radio], [type=button], [type=submit]")) return "";
  return element.value !== "" && isSecretField(element) ? "***" : short(element.value);
}

function short(text: string): string {
  return text.length > TEXT_CHARS_MAX ? `${text.slice(0, TEXT_CHARS_MAX - 1)}…` : text;
}
