import type { Attributes, AttributeValue } from "../model/attributes.ts";

/**
 * An attribute value as JSON can hold it, exactly: integers past 2^53 and numbers JSON has no form for (NaN,
 * Infinity) become text, bytes become base64. Objects keep their keys without a prototype.
 */
export function toJson(value: AttributeValue): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map((item: AttributeValue) => toJson(item));
  return attributesToJson(value as Attributes);
}

export function attributesToJson(attributes: Attributes): { [key: string]: unknown } {
  const object: { [key: string]: unknown } = Object.create(null);
  for (const key in attributes) object[key] = toJson(attributes[key]!);
  return object;
}

/** An attribute value as text: a string as it is, everything else as JSON. */
export function toText(value: AttributeValue | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string"
    ? value
    : typeof value === "object"
      ? JSON.stringify(toJson(value))
      : String(value);
}
