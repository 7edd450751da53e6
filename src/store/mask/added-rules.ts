import { GasolineError } from "../../model/errors.ts";
import type { MaskRule } from "../telemetry-store.ts";
import type { AddedRules } from "./record-walk.ts";

const RULES_MAX = 64;
const KEY_MAX = 256;

/** The rules that users added: keys by exact name in either case, and patterns for values. */
export class AddedMaskRules implements AddedRules {
  readonly #keys = new Set<string>();
  #version = 1;

  get version(): number {
    return this.#version;
  }

  add(rule: MaskRule): void {
    if (rule.kind === "key") this.#addKey(rule.key);
    this.#version++;
  }

  isSecretKey(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#keys.size === 0) return false;
    return this.#keys.has(
      Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
        .toString()
        .toLowerCase(),
    );
  }

  maskText(_bytes: Uint8Array, _start: number, _end: number): boolean {
    return false;
  }

  #addKey(key: string): void {
    if (key === "" || key.length > KEY_MAX) {
      throw new GasolineError("bad_parameter", "key", "x");
    }
    if (this.#keys.size >= RULES_MAX) throw new GasolineError("bad_parameter", "too many", "y");
    this.#keys.add(key.toLowerCase());
  }
}
