import { GasolineError } from "../../model/errors.ts";
import type { MaskRule } from "../telemetry-store.ts";
import { LinearPattern } from "./linear-pattern.ts";
import type { AddedRules } from "./record-walk.ts";

const RULES_MAX = 64;
const KEY_MAX = 256;

/** The rules that users added: keys by their whole name in either case, and patterns for values. */
export class AddedMaskRules implements AddedRules {
  readonly #keys = new Set<string>();
  readonly #patterns: LinearPattern[] = [];
  #version = 1;

  get version(): number {
    return this.#version;
  }

  /** Throws `bad_parameter` past 64 rules, for an empty or overlong key and for a pattern that is refused. */
  add(rule: MaskRule): void {
    if (this.#keys.size + this.#patterns.length >= RULES_MAX) {
      throw new GasolineError(
        "bad_parameter",
        `There are ${RULES_MAX} redaction rules already.`,
        "Join patterns with |, or restart to begin with none.",
      );
    }
    if (rule.kind === "value") this.#patterns.push(new LinearPattern(rule.pattern));
    else this.#keys.add(checkedKey(rule.key));
    this.#version++;
  }

  isSecretKey(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keys.size === 0) return false;
    const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    return this.#keys.has(key.toLowerCase());
  }

  maskText(bytes: Uint8Array, start: number, end: number): boolean {
    let changed = false;
    for (const pattern of this.#patterns) changed = pattern.mask(bytes, start, end) || changed;
    return changed;
  }
}

function checkedKey(key: string): string {
  if (key !== "" && key.length <= KEY_MAX) return key.toLowerCase();
  throw new GasolineError(
    "bad_parameter",
    `A redaction rule's key has ${key.length} characters, expected 1 to ${KEY_MAX}.`,
    "Give the whole attribute key, for example app.customer.iban.",
  );
}
