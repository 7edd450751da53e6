import type { StoredSpan } from "../store/telemetry-store.ts";
import { expectStatus } from "./browser-test.ts";
import { type RequestFacts, requestFacts } from "./request-facts.ts";
import { escapeUnseen, literal, shownPath, volatileIn } from "./source-text.ts";
import { pathOf } from "./test-plan.ts";

/** What a test without a browser is written from. */
export interface RequestTest {
  readonly title: string;
  /** Where it comes from, without line breaks. */
  readonly source: string;
  readonly origin: string;
  /** Requests that can be sent again, oldest first. */
  readonly requests: readonly RequestFacts[];
  readonly left: number;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const HEADERS_SENT = new Set(["content-type", "accept", "accept-language", "x-requested-with"]);

/** The requests of these spans that can be sent again: one whose body is needed and was not captured cannot. */
export function repeatable(spans: readonly StoredSpan[]): RequestFacts[] {
  return spans
    .map(requestFacts)
    .filter((facts) => facts !== undefined)
    .filter(
      ({ method, status, requestBody, requestBytes }) =>
        status > 0 &&
        (SAFE.has(method) || method === "DELETE" || requestBody !== undefined || requestBytes === 0),
    );
}

/**
 * A Playwright test that sends requests and holds each answer's status against the one observed. Ids of that run are
 * replaced: by what an earlier answer gives at the same place, where one gave it, else by new ones.
 */
export function requestTest({ title, source, origin, requests, left }: RequestTest): string {
  const names = new Map<string, string>();
  const lines: string[] = [];
  const taken = takenFromAnswers(requests);
  requests.forEach((request, index) => {
    for (const value of volatileIn(sentText(request))) {
      if (names.has(value)) continue;
      const from = taken.get(value);
      const name =
        from === undefined ? `value${names.size + 1}` : `(await answer${from.index + 1}.json())${from.path}`;
      if (from === undefined) lines.push(`  const ${name} = ${freshLike(value)};`);
      names.set(value, name);
    }
    lines.push(...requestLines(request, index + 1, origin, names), "");
  });
  const needsUuid = lines.some((line) => line.includes("randomUUID()"));
  return [
    ...(needsUuid ? ['import { randomUUID } from "node:crypto";'] : []),
    'import { expect, test } from "@playwright/test";',
    "",
    `// ${source}`,
    ...(left > 0 ? [`// The first ${left} requests are left out.`] : []),
    `const BASE_URL = process.env.BASE_URL ?? ${literal(origin)};`,
    "",
    `test(${literal(title)}, async ({ request }) => {`,
    ...lines.slice(0, -1),
    "});",
    "",
  ].join("\n");
}

function requestLines(
  { method, url, status, requestHeaders, requestBody }: RequestFacts,
  number: number,
  origin: string,
  names: ReadonlyMap<string, string>,
): string[] {
  const { origin: itsOrigin, pathname, search } = new URL(url);
  const target =
    itsOrigin === origin
      ? `new URL(${template(pathname + search, names)}, BASE_URL).href`
      : template(url, names);
  const headers = new Map(
    requestHeaders
      .filter(({ name }) => HEADERS_SENT.has(name.toLowerCase()))
      .map(({ name, value }) => [name.toLowerCase(), value]),
  );
  if (requestBody !== undefined && /^\s*[[{]/.test(requestBody) && !headers.has("content-type"))
    headers.set("content-type", "application/json");
  const told = [...headers].map(([name, value]) => `${literal(name)}: ${literal(value)}`);
  return [
    `  const answer${number} = await request.fetch(${target}, {`,
    `    method: ${literal(method)},`,
    ...(told.length === 0 ? [] : [`    headers: { ${told.join(", ")} },`]),
    ...(requestBody === undefined ? [] : [`    data: ${template(requestBody, names)},`]),
    "    maxRedirects: 0,",
    "  });",
    `  ${expectStatus(`answer${number}.status()`, `${method} ${shownPath(pathOf(url))}`, status)}`,
  ];
}

function sentText({ url, requestBody = "" }: RequestFacts): string {
  return `${url} ${requestBody}`;
}

/** Values that an answer's JSON gave before a request sent them, with the answer and the path to it. */
function takenFromAnswers(
  requests: readonly RequestFacts[],
): Map<string, { readonly index: number; readonly path: string }> {
  const taken = new Map<string, { index: number; path: string }>();
  const sent = new Set<string>();
  requests.forEach((request, index) => {
    for (const value of volatileIn(sentText(request))) sent.add(value);
    for (const [value, path] of volatileLeaves(request.responseBody)) {
      if (!sent.has(value) && !taken.has(value)) taken.set(value, { index, path });
    }
  });
  return taken;
}

const LEAVES_MAX = 1_000;

/** Whole strings in a JSON body that differ from run to run, with the path to each as source. */
function volatileLeaves(body: string | undefined): [value: string, path: string][] {
  let root: unknown;
  try {
    root = JSON.parse(body ?? "null");
  } catch {
    return [];
  }
  const leaves: [string, string][] = [];
  const open: [unknown, string][] = [[root, ""]];
  for (let at = 0; at < open.length && at < LEAVES_MAX; at++) {
    const [value, path] = open[at]!;
    if (typeof value === "string" && volatileIn(value)[0] === value) leaves.push([value, path]);
    if (typeof value !== "object" || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      open.push([inner, `${path}[${Array.isArray(value) ? key : literal(key)}]`]);
    }
  }
  return leaves;
}

/** Source of a new value of the same kind. */
function freshLike(value: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(value)) return "new Date().toISOString().slice(0, 10)";
  if (/^\d{4}-\d{2}-\d{2}T/.test(value)) return "new Date().toISOString()";
  if (value.length === 36) return "randomUUID()";
  return `randomUUID().replaceAll("-", "").padEnd(${value.length}, "0").slice(0, ${value.length})`;
}

/** Text as a string literal, or a template in which the values of that run are expressions. */
function template(text: string, names: ReadonlyMap<string, string>): string {
  const values = volatileIn(text).filter((value) => names.has(value));
  if (values.length === 0) return literal(text);
  const parts = text.split(new RegExp(`(${values.join("|").replaceAll(".", "\\.").replaceAll("+", "\\+")})`));
  const source = parts.map((part, i) =>
    i % 2 === 1
      ? `\${${names.get(part)}}`
      : literal(part)
          .slice(1, -1)
          .replaceAll('\\"', '"')
          .replace(/`|\$(?=\{)/g, "\\$&"),
  );
  return escapeUnseen(`\`${source.join("")}\``);
}
