import { clean } from "../query/render/clean.ts";
import { locatorOf, nameOf, type Target } from "./locator.ts";
import { literal } from "./source-text.ts";
import type { FlowStep } from "./user-flow.ts";

type Entry = Extract<FlowStep, { type: "change" }>;

/** What a page asked of a server during a step, and how it was answered. */
export interface ObservedAnswer {
  readonly method: string;
  /** A path, or a route template. */
  readonly path: string;
  /** Never 0. */
  readonly status: number;
}

/** A step of a test in the browser, with all that was observed of it. */
export interface PlannedStep {
  readonly step: FlowStep;
  readonly answers: readonly ObservedAnswer[];
  /** The page's path after it, where it led to another. */
  readonly pathAfter: string | undefined;
}

/** A step in a few words, for the report of a run. */
export function titleOf(step: FlowStep): string {
  switch (step.type) {
    case "navigate":
      return `open ${clean(pathOf(step.url), 80)}`;
    case "waitForText":
      return `see ${clean(step.text, 60)}`;
    case "keyDown":
      return `press ${clean(step.key, 20)}`;
    default: {
      const verb = {
        click: "click",
        doubleClick: "double-click",
        hover: "point at",
        change: "fill",
        waitForElement: "see",
      };
      return `${verb[step.type]} ${clean(nameOf(targetOf(step)), 60)}`;
    }
  }
}

/** What does the step, a statement a line. `withheld` gives the source of a value that was not recorded. */
export function codeOf(step: FlowStep, withheld: (field: string, chars: number) => string): string[] {
  if (step.type === "navigate") {
    const { pathname, search, hash } = new URL(step.url);
    return [`await page.goto(new URL(${literal(pathname + search + hash)}, BASE_URL).href);`];
  }
  if (step.type === "waitForText")
    return [`await expect(page.getByText(${literal(step.text)}).first()).toBeVisible();`];
  const locator = locatorOf(targetOf(step));
  if (step.type === "keyDown") {
    const key = literal(step.key);
    return [
      locator === undefined ? `await page.keyboard.press(${key});` : `await page.${locator}.press(${key});`,
    ];
  }
  if (locator === undefined) return ["// What this was done to is not known."];
  const element = `page.${locator}`;
  switch (step.type) {
    case "click":
      return [`await ${element}.click();`];
    case "doubleClick":
      return [`await ${element}.dblclick();`];
    case "hover":
      return [`await ${element}.hover();`];
    case "waitForElement":
      return [`await expect(${element}).${step.visible === false ? "toBeHidden" : "toBeVisible"}();`];
    case "change":
      return [`await ${element}.${entry(step, withheld)};`];
  }
}

/** How a value gets into a field of that role. */
function entry(step: Entry, withheld: (field: string, chars: number) => string): string {
  const { role = "", value } = step;
  if (role === "checkbox" || role === "switch") return `setChecked(${/^(?:true|on|1)$/i.test(value)})`;
  if (role === "radio") return "check()";
  const source = isWithheld(step) ? withheld(nameOf(targetOf(step)), value.length) : literal(value);
  return role === "combobox" || role === "listbox" ? `selectOption(${source})` : `fill(${source})`;
}

/** Whether what was entered was masked, or never left the page. */
export function isWithheld(step: FlowStep): boolean {
  return step.type === "change" && /\*{3}/.test(step.value);
}

function targetOf(step: Exclude<FlowStep, { readonly type: "navigate" | "waitForText" }>): Target {
  return { selectors: step.selectors ?? [], role: step.role ?? "", name: step.name ?? "" };
}

/** The path of a URL. */
export function pathOf(url: string): string {
  return URL.parse(url)?.pathname ?? "/";
}
