import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "./did-you-mean.ts";

const SHOWN_CHARS_MAX = 80;
/** Room for a reply without rows. */
const BUDGET_BYTES_MIN = 2_000;

/** The parameter `budget_bytes` of a tool whose replies may have at most so many bytes. */
export function budgetParameter(bytesMax: number) {
  return z
    .number()
    .int()
    .min(BUDGET_BYTES_MIN)
    .max(bytesMax)
    .optional()
    .describe(`bytes of the reply, from ${BUDGET_BYTES_MIN}`);
}

/**
 * Reads a tool's input by its schema. Numbers and objects may come as text, since a query string has nothing else;
 * absent and null are the same. Throws GasolineError `bad_parameter` that names the parameter, its value, what is
 * expected (the field's description or its choices) and what was probably meant.
 */
export function readInput<S extends z.ZodObject>(
  schema: S,
  input: unknown,
  tool: string,
  example: object,
): z.infer<S> {
  const given = plainObject(input);
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  if (issue.code === "unrecognized_keys")
    throw unknownParameter(issue.keys[0]!, Object.keys(schema.shape), tool);
  const name = issue.path.map(String).join(".");
  const value = valueAt(given, issue.path);
  const choices = issue.code === "invalid_value" ? issue.values.map(String) : undefined;
  const field = schema.shape[String(issue.path[0])] as z.ZodType | undefined;
  const expected = choices?.join(", ") ?? field?.description ?? issue.message;
  const meant =
    typeof value === "string" && choices !== undefined ? nearest(value, choices, 1)[0] : undefined;
  throw new GasolineError(
    "bad_parameter",
    value === undefined
      ? `${name} is missing; expected ${choices === undefined ? expected : `one of ${expected}`}.`
      : `${name} is ${shown(value)}; expected ${choices === undefined ? expected : `one of ${expected}`}.`,
    meant === undefined ? `For example ${tool} ${JSON.stringify(example)}.` : `Did you mean ${shown(meant)}?`,
  );
}

function unknownParameter(key: string, known: readonly string[], tool: string): GasolineError {
  const meant = nearest(key, known, 1)[0];
  return new GasolineError(
    "bad_parameter",
    `${shown(key)} is not a parameter of ${tool}.`,
    meant === undefined ? `Parameters: ${known.join(", ")}.` : `Did you mean ${meant}?`,
  );
}

/** Without a prototype, so that `__proto__` is a name like any other; numbers and objects read from their text. */
function plainObject(input: unknown): Record<string, unknown> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new GasolineError("bad_parameter", `The input is ${shown(input)}; expected an object.`, "");
  }
  const plain: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(input)) {
    if (value !== null && value !== undefined) plain[key] = fromText(key, value);
  }
  return plain;
}

const NUMERIC = /(?:_ms|_bytes|^limit)$/;

function fromText(key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (NUMERIC.test(key) && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    // Text that only looks like JSON stays text.
    return value;
  }
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > SHOWN_CHARS_MAX ? `${json.slice(0, SHOWN_CHARS_MAX)}…` : json;
}
