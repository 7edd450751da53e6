import { type Attributes, stringAttribute } from "../model/attributes.ts";
import type { Span } from "../model/span.ts";

/** Longer statements and names are cut here before they are looked at, and their templates at the second. */
const READ_CHARS_MAX = 2_000;
const TEMPLATE_CHARS_MAX = 200;

/** Says what a span does, the same for every time it does it. */
export type OperationNamer = (span: Span) => string;

/**
 * Makes a namer. It remembers the templates it made, so use one for all spans of an analysis and then drop it.
 *
 * A database call is named by its query summary, else by its statement with the literals masked; an HTTP call by
 * method and route or URL template, else by method, host and path with the ids masked; any other by its span name
 * with the ids masked. Current and older semantic conventions are both read.
 */
export function operationNamer(): OperationNamer {
  const statements = new Map<string, string>();
  const names = new Map<string, string>();
  return (span) => {
    const { attributes } = span;
    const statement = textOf(attributes, "db.query.text", "db.statement");
    const summary = textOf(attributes, "db.query.summary");
    if (summary !== undefined) return summary.slice(0, TEMPLATE_CHARS_MAX);
    if (statement !== undefined) return remembered(statements, statement, maskStatement);
    const method = textOf(attributes, "http.request.method", "http.method");
    if (method !== undefined) {
      const target = textOf(attributes, "http.route", "url.template") ?? httpTarget(attributes);
      if (target !== undefined) return `${method} ${remembered(names, target, maskIds)}`;
    }
    return remembered(names, span.name, maskIds);
  };
}

/** The first of `keys` that is there and not empty. */
export function textOf(attributes: Attributes, ...keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = stringAttribute(attributes, key);
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** Host and path of an HTTP call, without query, from its URL or its parts. */
function httpTarget(attributes: Attributes): string | undefined {
  const full = textOf(attributes, "url.full", "http.url");
  const url = full === undefined ? null : URL.parse(full.slice(0, READ_CHARS_MAX));
  if (url !== null) return url.host + url.pathname;
  const path = textOf(attributes, "url.path", "http.target")?.split("?", 1)[0];
  const host = textOf(attributes, "server.address", "net.peer.name");
  return path === undefined ? host : (host ?? "") + path;
}

/**
 * A SQL statement (or its like) without what changes from call to call: literals become `?`, lists of them one
 * `?`, runs of blanks one blank.
 */
function maskStatement(statement: string): string {
  return statement
    .slice(0, READ_CHARS_MAX)
    .replace(/'(?:[^']|'')*'?/g, "?")
    .replace(/(?<![\w$])-?\d[\w.]*|\$\d+|(?<![\w:]):\w+|%s/g, "?")
    .replace(/\s+/g, " ")
    .replace(/\?(?: ?, ?\?)+/g, "?")
    .replace(/\( ?\? ?\)(?: ?, ?\( ?\? ?\))+/g, "(?)")
    .trim()
    .slice(0, TEMPLATE_CHARS_MAX);
}

/** A name or path whose numbers, UUIDs and long hex ids read `{}`; `v1`, `sha256` and the like stay. */
function maskIds(name: string): string {
  return name
    .slice(0, READ_CHARS_MAX)
    .replace(/(?<![A-Za-z0-9])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![A-Za-z0-9])/g, "{}")
    .replace(/(?<![A-Za-z0-9])(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}(?![A-Za-z0-9])/g, "{}")
    .replace(/(?<![A-Za-z0-9:.])\d+(?![A-Za-z0-9])/g, "{}")
    .slice(0, TEMPLATE_CHARS_MAX);
}

function remembered(known: Map<string, string>, text: string, make: (text: string) => string): string {
  let made = known.get(text);
  if (made === undefined) {
    made = make(text);
    known.set(text, made);
  }
  return made;
}
