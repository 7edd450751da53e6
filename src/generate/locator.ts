import { literal, volatileIn } from "./source-text.ts";

/** How a recording names an element: alternatives, best first, each a list of parts through shadow roots. */
export interface Target {
  readonly selectors: readonly (readonly string[])[];
  /** `""` when they are not known. */
  readonly role: string;
  readonly name: string;
}

/**
 * The element as a Playwright locator, after `page.`: what a person would look for where the recording has that, CSS
 * else. Alternatives with ids of that one run are passed over. `undefined` when nothing names it.
 */
export function locatorOf({ selectors, role, name }: Target): string | undefined {
  for (const parts of selectors) {
    if (parts.length === 0 || parts.some((part) => volatileIn(part).length > 0)) continue;
    return parts.map((part) => partOf(part, role)).join(".");
  }
  if (role !== "" && volatileIn(name).length === 0) return byRole(role, name);
  const [last] = selectors.filter(({ length }) => length > 0);
  return last?.map((part) => partOf(part, role)).join(".");
}

/** The element in words for the title of a step: its name, else its first selector. */
export function nameOf({ selectors, name }: Target): string {
  if (name !== "") return name;
  const [part = "the page"] = selectors[0]?.slice(-1) ?? [];
  return part.replace(/^(?:aria|text|pierce|xpath)\//, "").replace(/\[role=.*\]$/, "");
}

const TEST_ID = /^[\w-]*\[data-testid=(["'])(.+?)\1\]$/;

/** One part of a selector as Chrome's recorder writes it. Playwright's CSS goes through open shadow roots by itself. */
function partOf(part: string, role: string): string {
  const aria = /^aria\/(.*?)(?:\[role="([^"]+)"\])?$/s.exec(part);
  if (aria !== null) {
    const [, name = "", told = role] = aria;
    return told === "" ? `getByLabel(${literal(name)}, { exact: true })` : byRole(told, name);
  }
  if (part.startsWith("text/")) return `getByText(${literal(part.slice(5))}, { exact: true })`;
  const testId = TEST_ID.exec(part)?.[2];
  if (testId !== undefined) return `getByTestId(${literal(testId)})`;
  const css = part.startsWith("xpath/") ? `xpath=${part.slice(6)}` : part.replace(/^pierce\//, "");
  return `locator(${literal(css)})`;
}

function byRole(role: string, name: string): string {
  return name === ""
    ? `getByRole(${literal(role)})`
    : `getByRole(${literal(role)}, { name: ${literal(name)}, exact: true })`;
}
