/**
 * One attribute value as decoded from an OTLP AnyValue (opentelemetry/proto/common/v1/common.proto).
 *
 * 64-bit integers are `number` when they are safe integers and `bigint` otherwise, so no value is rounded.
 * Bytes stay bytes. An AnyValue with nothing set is `null`.
 */
export type AttributeValue =
  | string
  | boolean
  | number
  | bigint
  | null
  | Uint8Array
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };

/**
 * Attributes by key. Keys come from untrusted telemetry, so decoders make these objects without a prototype
 * (`Object.create(null)`): `__proto__` is an ordinary key. A key that repeats keeps its last value.
 */
export type Attributes = { readonly [key: string]: AttributeValue };

/** The attribute as text, or `undefined` when it is absent or not a string. */
export function stringAttribute(attributes: Attributes, key: string): string | undefined {
  const value = attributes[key];
  return typeof value === "string" ? value : undefined;
}
