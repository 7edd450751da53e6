import type { MetricHeader } from "../../model/scan-table.ts";
import { LOG_RECORD, METRIC, type Message, RESOURCE, SCOPE, SPAN } from "../../wire/schema.ts";
import type { DecodedGroup } from "./read.ts";
import { isInText, someText } from "./text-fields.ts";

/**
 * A text looked for in records, whatever its case: in every string of their messages, attribute keys among them.
 * Raw bytes can only rule a record out; its masked bytes decide, so that a search cannot be used to guess a secret.
 */
export class TextMatch {
  /** The longest run of ASCII in the text: other letters change their bytes with their case. */
  readonly #ascii: RegExp;
  readonly #isAscii: boolean;
  readonly #lower: string;
  /** Masking writes asterisks, so raw bytes cannot rule out a text that has one. */
  readonly #asksForMask: boolean;

  constructor(text: string) {
    this.#lower = text.toLowerCase();
    this.#asksForMask = text.includes("*");
    const runs = text.match(/[\x20-\x7e]+/g) ?? [];
    const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
    this.#isAscii = longest === text;
    this.#ascii = new RegExp(longest.replace(/[^\w ]/g, "\\$&"), "gi");
  }

  /** False when no masked form of these bytes can contain the text. */
  mayMatch(bytes: Buffer, at: number, length: number): boolean {
    if (this.#asksForMask) return true;
    this.#ascii.lastIndex = 0;
    // As Latin-1, each byte is a character; ten times faster than a loop over bytes (bench/queries.ts).
    return this.#ascii.test(bytes.toString("latin1", at, at + length));
  }

  matchesSpan(masked: Buffer): boolean {
    return this.#matches(masked, SPAN);
  }

  matchesLog(masked: Buffer): boolean {
    return this.#matches(masked, LOG_RECORD);
  }

  /** Name, unit and description stand in the metric's header. */
  matchesPoint(masked: Buffer, header: MetricHeader): boolean {
    const point = METRIC.fields[header.dataField]!.message!.fields[1]!.message!;
    return this.#matches(Buffer.from(header.bytes), METRIC) || this.#matches(masked, point);
  }

  matchesGroup({ raw }: DecodedGroup): boolean {
    return this.#matches(Buffer.from(raw.resource), RESOURCE) || this.#matches(Buffer.from(raw.scope), SCOPE);
  }

  /** Whether a string of this masked message contains the text. */
  #matches(bytes: Buffer, message: Message): boolean {
    if (!this.#isAscii) {
      return someText(bytes, message, 0, bytes.length, (text) => text.toLowerCase().includes(this.#lower));
    }
    const characters = bytes.toString("latin1");
    const length = this.#lower.length;
    this.#ascii.lastIndex = 0;
    for (let match = this.#ascii.exec(characters); match !== null; match = this.#ascii.exec(characters)) {
      if (isInText(bytes, message, 0, bytes.length, match.index, match.index + length)) return true;
      this.#ascii.lastIndex = match.index + 1;
    }
    return false;
  }
}
