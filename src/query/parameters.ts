import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "./did-you-mean.ts";

/** What can be observed. A mode that does not exist yet is not listed. */
export const WHATS = [
  "traces",
  "trace",
  "timeline",
  "logs",
  "errors",
  "code",
  "services",
  "metrics",
  "tests",
  "git",
  "network_waterfall",
  "network_bodies",
  "websocket_events",
  "actions",
  "vitals",
  "screenshots",
  "page",
  "correlation",
  "correlations",
  "causality",
  "impact_analysis",
] as const;
export type What = (typeof WHATS)[number];

const LEVELS = ["debug", "info", "warn", "error", "critical"] as const;
const SOURCES = ["browser", "backend", "test", "git", "custom"] as const;

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;
const OFFSET_MAX = 100_000;
const WAIT_MS_MAX = 30_000;
/** Room for a reply without rows: what it says of itself, twice. */
const BUDGET_BYTES_MIN = 2_000;
const BUDGET_BYTES_MAX = 10_000_000;

const text = z.string().min(1).max(2_000);
const time = z.union([z.string().min(1).max(200), z.number()]);
const attributeCondition = z.union([
  z.string().max(2_000),
  z.number(),
  z.boolean(),
  z.strictObject({ contains: text }),
  z.strictObject({ min: z.number().optional(), max: z.number().optional() }),
  z.strictObject({ exists: z.literal(true) }),
]);

/** Filters, all of which must hold. Descriptions are shown to agents and in errors: keep them short. */
export const filterSchema = z.strictObject({
  trace_id: text.optional().describe("or its first 8 or more hex digits"),
  span_id: text.optional().describe("span id, or an s… id of a reply"),
  id: text.optional().describe("a record's s…, l… or m… id"),
  session_id: text.optional().describe("session.id"),
  service: text.optional().describe("service.name, exactly"),
  name: text.optional().describe("part of a span, event or metric name"),
  level: z.enum(LEVELS).optional().describe("this level or worse"),
  source: z.enum(SOURCES).optional(),
  status: z
    .union([z.number().int().min(100).max(599), z.string().regex(/^(?:[1-5](?:xx|XX|\d\d)|error)$/)])
    .optional()
    .describe("HTTP status 404, class 5xx, or error"),
  method: text.optional().describe("HTTP method"),
  url: text.optional().describe("part of the URL, path or route"),
  tags: z.array(text).max(20).optional().describe("http, db, messaging, rpc, exception …"),
  attributes: z
    .record(z.string().min(1).max(200), attributeCondition)
    .optional()
    .describe("name: value, {contains}, {min, max} or {exists: true}"),
  file: text.optional().describe("part of code.file.path; for what=code a path in the workspace"),
  line: z.number().int().min(1).optional().describe("code.line.number"),
  text: text.optional().describe("contained anywhere in the record"),
  since: time.optional().describe("ISO 8601, Unix ms, -5m, or cursor_since of a reply"),
  until: time.optional().describe("as since"),
});

/** The input of `observe`, as MCP and REST take it. */
export const observeSchema = z.strictObject({
  what: z.enum(WHATS),
  filter: filterSchema.optional(),
  limit: z.number().int().min(1).max(LIMIT_MAX).optional().describe(`default ${LIMIT_DEFAULT}`),
  offset: z.number().int().min(0).max(OFFSET_MAX).optional(),
  after_cursor: text.optional().describe("cursor_next of a reply"),
  before_cursor: text.optional().describe("cursor_prev of a reply"),
  wait_ms: z.number().int().min(0).max(WAIT_MS_MAX).optional().describe("wait until something matches"),
  include_noise: z.boolean().optional().describe("show what is hidden too"),
  budget_bytes: z.number().int().min(BUDGET_BYTES_MIN).max(BUDGET_BYTES_MAX).optional(),
});

export type ObserveFilter = z.infer<typeof filterSchema>;
export type FilterKey = keyof ObserveFilter;

/** A question that has been checked: every value has its type and lies in its range. */
export interface ObserveQuery {
  readonly what: What;
  readonly filter: ObserveFilter;
  readonly limit: number;
  /** What the asker gave as limit, if anything: a mode may have a default of its own. */
  readonly limitGiven: boolean;
  readonly offset: number;
  readonly afterCursor: string | undefined;
  readonly beforeCursor: string | undefined;
  readonly waitMs: number;
  /** Shows what noise rules hide, and the agents' own calls. */
  readonly includeNoise: boolean;
  /** Undefined: no budget, everything is shown in full. */
  readonly budgetBytes: number | undefined;
}

const FILTER_KEYS = Object.keys(filterSchema.shape);
const QUERY_KEYS = Object.keys(observeSchema.shape);
const ATTRIBUTE_PREFIX = "attributes.";

/**
 * Reads the input of `observe`: filters in `filter` or flat beside `what`, numbers also as decimal text (a query
 * string has nothing else), tags also comma-separated, attributes also as `attributes.NAME=VALUE`.
 * Throws GasolineError `bad_parameter` that names the parameter, its value, what is expected and what was
 * probably meant.
 */
export function parseObserve(input: unknown): ObserveQuery {
  const result = observeSchema.safeParse(nest(input));
  if (!result.success) throw parameterError(result.error.issues[0]!, input);
  const query = result.data;
  if (query.after_cursor !== undefined && query.before_cursor !== undefined) {
    throw bad("after_cursor and before_cursor exclude each other.", "Give one of them.");
  }
  return {
    what: query.what,
    filter: query.filter ?? {},
    limit: query.limit ?? LIMIT_DEFAULT,
    limitGiven: query.limit !== undefined,
    offset: query.offset ?? 0,
    afterCursor: query.after_cursor,
    beforeCursor: query.before_cursor,
    waitMs: query.wait_ms ?? 0,
    includeNoise: query.include_noise ?? false,
    budgetBytes: query.budget_bytes,
  };
}

/** Moves flat filters into `filter` and turns the texts of a query string into what they stand for. */
function nest(input: unknown): Record<string, unknown> {
  const top = asObject(input, "The input");
  // Without a prototype: `__proto__` is a name like any other, to be refused like any other.
  const filter: Record<string, unknown> = Object.create(null);
  const query: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(top)) {
    if (key === "filter") {
      for (const [name, inner] of Object.entries(asObject(value, "filter"))) putFilter(filter, name, inner);
    } else if (QUERY_KEYS.includes(key)) query[key] = fromText(key, value);
    else putFilter(filter, key, value);
  }
  return { ...query, filter };
}

function asObject(value: unknown, name: string): Record<string, unknown> {
  // Some clients send nested objects as JSON text.
  const parsed = typeof value === "string" ? parseJson(value) : value;
  if (parsed === undefined || parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw bad(`${name} is ${show(value)}; expected an object.`, 'Write it as {"level": "error"}.');
  }
  return parsed as Record<string, unknown>;
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    // Not JSON: the caller says what was expected instead.
    return value;
  }
}

function putFilter(filter: Record<string, unknown>, key: string, value: unknown): void {
  if (key.startsWith(ATTRIBUTE_PREFIX)) {
    const attributes = asObject(filter.attributes, "filter.attributes");
    filter.attributes = { ...attributes, [key.slice(ATTRIBUTE_PREFIX.length)]: value };
    return;
  }
  if (Object.hasOwn(filter, key)) {
    throw bad(`${key} is given twice, in filter and beside it.`, "Give it once.");
  }
  if (key === "tags" && typeof value === "string") filter[key] = value.split(",").map((tag) => tag.trim());
  else if (key === "attributes") filter[key] = { ...asObject(value, "filter.attributes") };
  else if (key === "status" && typeof value === "string") filter[key] = value.trim().toLowerCase();
  else if (key === "level" && typeof value === "string") filter[key] = levelName(value);
  else filter[key] = fromText(key, value);
}

/** The names that other tools give to our levels. */
function levelName(value: string): string {
  const lower = value.trim().toLowerCase();
  return { warning: "warn", err: "error", fatal: "critical", trace: "debug" }[lower] ?? lower;
}

const NUMERIC = new Set(["limit", "offset", "wait_ms", "budget_bytes", "line"]);

function fromText(key: string, value: unknown): unknown {
  if (key === "include_noise" && (value === "true" || value === "false")) return value === "true";
  return NUMERIC.has(key) && typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

/** One zod issue as an error of ours. */
function parameterError(issue: z.core.$ZodIssue, input: unknown): GasolineError {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys") return unknownParameter(issue.keys[0]!, path);
  const name = path.join(".");
  const given = valueAt(input, path);
  const expected = expectedForm(path);
  if (given === undefined) return bad(`${name} is missing; expected ${expected}.`, example());
  const choices = choicesOf(path);
  const meant = typeof given === "string" && choices !== undefined ? nearest(given, choices) : [];
  return bad(
    `${name} is ${show(given)}; expected ${expected}.`,
    meant.length > 0
      ? `Did you mean ${show(meant[0])}?`
      : path[0] === "what"
        ? example()
        : "Correct it or leave it out.",
  );
}

function unknownParameter(key: string, path: readonly string[]): GasolineError {
  if (path[1] === "attributes") {
    return bad(
      `filter.attributes.${path[2]} has the unknown condition ${show(key)}.`,
      "Use a value, {contains}, {min, max} or {exists: true}.",
    );
  }
  const known = path[0] === "filter" ? [...FILTER_KEYS, ...QUERY_KEYS] : QUERY_KEYS;
  const meant = nearest(key, known, 1)[0];
  const place = meant !== undefined && FILTER_KEYS.includes(meant) ? `filter.${meant}` : meant;
  return bad(
    `${show(key)} is not a parameter of observe.`,
    place === undefined
      ? `Parameters: ${QUERY_KEYS.join(", ")}. Filters: ${FILTER_KEYS.join(", ")}. An attribute of your own goes into filter.attributes.`
      : `Did you mean ${place}?`,
  );
}

function expectedForm(path: readonly string[]): string {
  if (path[0] === "filter") {
    if (path[1] === "attributes") return "a value, {contains}, {min, max} or {exists: true}";
    if (path[1] === "status") return "an HTTP status such as 404, a class such as 5xx, or error";
    if (path[1] === "tags") return "a list of tags";
    const choices = choicesOf(path);
    if (choices !== undefined) return `one of ${choices.join(", ")}`;
    const field = Object.hasOwn(filterSchema.shape, path[1]!)
      ? filterSchema.shape[path[1] as FilterKey]
      : undefined;
    return path[1] === "line"
      ? "a line number from 1"
      : `text (${field?.description ?? "up to 2,000 characters"})`;
  }
  switch (path[0]) {
    case "what":
      return `one of ${WHATS.join(", ")}`;
    case "limit":
      return `a whole number from 1 to ${LIMIT_MAX}`;
    case "offset":
      return `a whole number from 0 to ${OFFSET_MAX}; use cursors beyond it`;
    case "wait_ms":
      return `milliseconds from 0 to ${WAIT_MS_MAX}`;
    case "include_noise":
      return "true or false";
    case "budget_bytes":
      return `bytes from ${BUDGET_BYTES_MIN} to ${BUDGET_BYTES_MAX}`;
    default:
      return "text of 1 to 2,000 characters";
  }
}

function choicesOf(path: readonly string[]): readonly string[] | undefined {
  if (path[0] === "what") return WHATS;
  return { level: LEVELS, source: SOURCES }[path[1] as string];
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value: unknown = nest(input);
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function example(): string {
  return 'For example {"what": "errors", "filter": {"since": "-15m"}}.';
}

const SHOWN_CHARS_MAX = 80;

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > SHOWN_CHARS_MAX ? `${json.slice(0, SHOWN_CHARS_MAX)}…` : json;
}

function bad(problem: string, remedy: string): GasolineError {
  return new GasolineError("bad_parameter", problem, remedy);
}
