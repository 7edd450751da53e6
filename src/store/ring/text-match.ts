import type { AttributeValue } from "../../model/attributes.ts";
import { asciiLower, containsIgnoringCase } from "../../wire/raw-attributes.ts";
import type { StoredRecord } from "../telemetry-store.ts";
import type { DecodedGroup } from "./read.ts";

/**
 * A text looked for in records, whatever its case. Raw bytes are searched first and can only rule a record out;
 * the masked and decoded record decides, so that a search cannot be used to guess a secret.
 */
export class TextMatch {
  /** The longest run of ASCII in the text, in lower case: other letters change their bytes with their case. */
  readonly #ascii: Uint8Array;
  readonly #lower: string;

  constructor(text: string) {
    this.#lower = text.toLowerCase();
    // Masking writes asterisks, so raw bytes cannot rule out a text that has one.
    const runs = text.includes("*") ? [] : (text.match(/[ -~]+/g) ?? []);
    this.#ascii = asciiLower(
      runs.reduce((longest, run) => (run.length > longest.length ? run : longest), ""),
    );
  }

  /** False when no masked form of these bytes can contain the text. */
  mayMatch(bytes: Uint8Array, at: number, length: number): boolean {
    return containsIgnoringCase(bytes, at, length, this.#ascii);
  }

  /** Whether any text of the record itself contains it: names, messages, bodies, attribute keys and values. */
  matchesRecord(record: StoredRecord): boolean {
    switch (record.kind) {
      case "span":
        return (
          this.#isIn(record.name) ||
          this.#isIn(record.statusMessage) ||
          this.#isIn(record.traceState) ||
          this.#matchesValue(record.attributes) ||
          record.events.some((event) => this.#isIn(event.name) || this.#matchesValue(event.attributes)) ||
          record.links.some((link) => this.#matchesValue(link.attributes))
        );
      case "log":
        return (
          this.#matchesValue(record.body) ||
          this.#isIn(record.eventName) ||
          this.#isIn(record.severityText) ||
          this.#matchesValue(record.attributes)
        );
      case "metric":
        return (
          this.#isIn(record.name) ||
          this.#isIn(record.description) ||
          this.#isIn(record.unit) ||
          this.#matchesValue(record.attributes)
        );
    }
  }

  /** Whether any text of a resource or scope contains it. */
  matchesGroup({ resource, scope }: Pick<DecodedGroup, "resource" | "scope">): boolean {
    return (
      this.#matchesValue(resource.attributes) ||
      this.#isIn(scope.name) ||
      this.#isIn(scope.version) ||
      this.#matchesValue(scope.attributes)
    );
  }

  #matchesValue(value: AttributeValue): boolean {
    if (typeof value === "string") return this.#isIn(value);
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return false;
    if (Array.isArray(value)) return value.some((each: AttributeValue) => this.#matchesValue(each));
    return Object.entries(value).some(([key, each]) => this.#isIn(key) || this.#matchesValue(each));
  }

  #isIn(text: string): boolean {
    return text.toLowerCase().includes(this.#lower);
  }
}
