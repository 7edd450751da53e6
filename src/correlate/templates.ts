import { stringAttribute } from "../model/attributes.ts";
import type { LogRecord } from "../model/log.ts";

/** Stands for what varies in a template. */
const WILDCARD = "<*>";

/** Longer texts are cut: what tells statements apart stands at the front. */
const TEXT_CHARS_MAX = 2_000;
const TOKENS_MAX = 24;
/** Tokens that a place must have shown before it counts as variable. Fewer are words that carry the meaning. */
const VARIANTS_MIN = 5;
/** Share of equal tokens for two texts to come from one statement. */
const SIMILARITY_MIN = 0.5;

/** `Class#line` or `package.Class:line`, as logback, log4j and others print the statement's place. */
const STATEMENT_PLACE = /(?:^|[\s[(])((?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:#|:)\d{1,5})(?=[\s\])]|$)/;

/** From the most specific shape to the most general. Whatever matches becomes the wildcard. */
const VARIABLE = new RegExp(
  [
    "\"[^\"]*\"|'[^']*'|`[^`]*`", // quoted
    "\\{[^{}]*\\}|\\[[^[\\]]*[\\d=:][^[\\]]*\\]", // objects and lists of values
    "\\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\\b", // uuid
    "\\b\\d{1,3}(?:\\.\\d{1,3}){3}(?::\\d+)?\\b", // ip
    "\\b(?:https?|file|jdbc|redis|amqp|mongodb)[:\\w]*://\\S+", // url
    "(?:/[\\w.@%+~-]+){2,}/?(?:\\?\\S*)?", // path
    "\\b[\\w.+-]+@[\\w-]+\\.[\\w.]+\\b", // mail address
    "\\b(?=[0-9a-f]*\\d)[0-9a-f]{8,}\\b", // hex
    "\\S*\\d\\S*", // anything with a digit
  ].join("|"),
  "gi",
);

/**
 * The part of a record's text that does not vary, before learning: where its statement stands in the code if the
 * record says so (`code.*` attributes, `Class#line`), else its event name, else the text with numbers, ids,
 * addresses, paths and quoted values masked. The same for every record of a statement whose words do not vary.
 */
export function maskedText(log: LogRecord): string {
  const place = codePlace(log);
  if (place !== undefined) return place;
  const text = typeof log.body === "string" ? log.body.slice(0, TEXT_CHARS_MAX) : "";
  const statement = STATEMENT_PLACE.exec(text);
  if (statement !== null) return statement[1]!;
  if (log.eventName !== "") return `event ${log.eventName}`;
  return maskText(text === "" ? bodyText(log) : text);
}

/** A text with everything that looks like a value replaced by the wildcard; at most 24 words. */
export function maskText(text: string): string {
  const firstLine = text.trimStart().split("\n", 1)[0]!;
  const tokens: string[] = [];
  for (const token of firstLine.replace(VARIABLE, WILDCARD).split(/\s+/)) {
    if (token === "") continue;
    const masked = token.includes(WILDCARD) ? WILDCARD : token;
    if (masked === WILDCARD && tokens.at(-1) === WILDCARD) continue;
    tokens.push(masked);
    if (tokens.length === TOKENS_MAX) break;
  }
  return tokens.join(" ");
}

function codePlace(log: LogRecord): string | undefined {
  const { attributes } = log;
  const file = stringAttribute(attributes, "code.file.path") ?? stringAttribute(attributes, "code.filepath");
  const line = attributes["code.line.number"] ?? attributes["code.lineno"];
  if (file !== undefined && line !== undefined) return `${file}:${line}`;
  const name =
    stringAttribute(attributes, "code.function.name") ?? stringAttribute(attributes, "code.function");
  return name === undefined || line === undefined ? undefined : `${name}:${line}`;
}

/** A structured body by its message, else by its keys. */
function bodyText(log: LogRecord): string {
  const { body } = log;
  if (typeof body !== "object" || body === null || Array.isArray(body) || body instanceof Uint8Array) {
    return body === null ? "" : String(body);
  }
  for (const key of ["message", "msg", "event", "error"]) {
    const value = (body as { readonly [key: string]: unknown })[key];
    if (typeof value === "string") return value.slice(0, TEXT_CHARS_MAX);
  }
  return Object.keys(body).sort().join(" ");
}

/** The templates of some texts. */
export interface Templates {
  /** The template of a text (as `maskedText` gives it); a text never learned is its own template. */
  templateOf(masked: string): string;
}

/** Templates that log records are looked up in directly. */
export interface LogTemplates extends Templates {
  ofLog(log: LogRecord): string;
}

interface Cluster {
  /** Distinct tokens seen by place; undefined once the place is variable. */
  readonly variants: (Set<string> | undefined)[];
  readonly members: string[];
}

/**
 * Finds the words that vary in masked texts (after He et al., Drain, ICWS 2017): texts of as many words with the same
 * first word and at least half of the others equal come from one statement. A place becomes a wildcard only when
 * five different words were seen there, so that `payment accepted` and `payment declined` stay two templates.
 *
 * Deterministic whatever the order of `texts`. Feed it the templates of earlier windows as well, and equal
 * statements get equal templates in all of them. O(texts × clusters of that length and first word).
 */
export function learnTemplates(texts: Iterable<string>): Templates {
  const buckets = new Map<string, Cluster[]>();
  for (const text of [...new Set(texts)].sort()) {
    const tokens = text.split(" ");
    const bucket = `${tokens.length} ${tokens[0]}`;
    let clusters = buckets.get(bucket);
    if (clusters === undefined) {
      clusters = [];
      buckets.set(bucket, clusters);
    }
    join(clusters, tokens, text);
  }
  const templates = new Map<string, string>();
  for (const clusters of buckets.values()) {
    for (const cluster of clusters) {
      for (const member of cluster.members) templates.set(member, render(cluster, member));
    }
  }
  return { templateOf: (masked) => templates.get(masked) ?? masked };
}

function join(clusters: Cluster[], tokens: string[], text: string): void {
  let best: Cluster | undefined;
  let bestShare = SIMILARITY_MIN;
  // A text of one or two words has too little beside its first word to be told apart by.
  for (const cluster of tokens.length < 3 ? [] : clusters) {
    const share = similarity(cluster, tokens);
    if (share < bestShare || (share === bestShare && best !== undefined)) continue;
    best = cluster;
    bestShare = share;
  }
  if (best === undefined) {
    const variants = tokens.map((token) => (token === WILDCARD ? undefined : new Set([token])));
    clusters.push({ variants, members: [text] });
    return;
  }
  best.members.push(text);
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] === WILDCARD) best.variants[i] = undefined;
    const seen = best.variants[i];
    if (seen === undefined) continue;
    seen.add(tokens[i]!);
    if (seen.size >= VARIANTS_MIN) best.variants[i] = undefined;
  }
}

/** Share of places where the text fits the cluster; a variable place fits anything. */
function similarity(cluster: Cluster, tokens: readonly string[]): number {
  let equal = 0;
  for (let i = 0; i < tokens.length; i++) {
    const seen = cluster.variants[i];
    if (seen === undefined || seen.has(tokens[i]!)) equal += 1;
  }
  return equal / tokens.length;
}

function render(cluster: Cluster, member: string): string {
  const tokens = member.split(" ");
  return tokens.map((token, i) => (cluster.variants[i] === undefined ? WILDCARD : token)).join(" ");
}
