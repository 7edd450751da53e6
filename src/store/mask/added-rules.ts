import { GasolineError } from "../../model/errors.ts";
import type { MaskRule } from "../telemetry-store.ts";
import { LinearPattern } from "./linear-pattern.ts";
import type { AddedRules } from "./record-walk.ts";

const RULES_MAX = 64;
const KEY_MAX = 256;

/** The rules that users added: keys by their whole name, ASCII letters in either case, and patterns for values. */
export class AddedMaskRules implements AddedRules {
  readonly #keys: Uint8Array[] = [];
  readonly #patterns: LinearPattern[] = [];
  #version = 1;

  get version(): number {
    return this.#version;
  }

  /** Throws `bad_parameter` past 64 rules, for an empty or overlong key and for a pattern that is refused. */
  add(rule: MaskRule): void {
    if (this.#keys.length + this.#patterns.length >= RULES_MAX) {
      throw new GasolineError(
        "bad_parameter",
        `There are ${RULES_MAX} redaction rules already.`,
        "Join patterns with |, or restart to begin with none.",
      );
    }
    if (rule.kind === "value") this.#patterns.push(new LinearPattern(rule.pattern));
    else this.#keys.push(checkedKey(rule.key));
    this.#version++;
  }

  isSecretKey(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#keys.some((key) => key.length === end - start && foldedBytesAt(bytes, start, key));
  }

  maskText(bytes: Uint8Array, start: number, end: number): boolean {
    let changed = false;
    for (const pattern of this.#patterns) changed = pattern.mask(bytes, start, end) || changed;
    return changed;
  }
}

/** The key's UTF-8 with ASCII letters in lower case. */
function checkedKey(key: string): Uint8Array {
  if (key !== "" && key.length <= KEY_MAX) return Buffer.from(key).map(folded);
  throw new GasolineError(
    "bad_parameter",
    `A redaction rule's key has ${key.length} characters, expected 1 to ${KEY_MAX}.`,
    "Give the whole attribute key, for example app.customer.iban.",
  );
}

function foldedBytesAt(bytes: Uint8Array, at: number, key: Uint8Array): boolean {
  for (let i = 0; i < key.length; i++) if (folded(bytes[at + i]!) !== key[i]) return false;
  return true;
}

function folded(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
