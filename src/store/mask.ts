import { AddedMaskRules } from "./mask/added-rules.ts";
import { type RecordKind, RecordWalk } from "./mask/record-walk.ts";
import { ValueShapes } from "./mask/value-shapes.ts";
import type { MaskRule } from "./telemetry-store.ts";

/**
 * The one way that telemetry leaves the store (design decision 7): secrets are overwritten by `*`, byte for
 * byte, so that a message keeps its length and framing and raw exports stay valid OTLP.
 */
export interface Masker {
  /**
   * Masks a record's OTLP message in place; returns how many values were changed, 0 when there was nothing to
   * mask. Every text is looked at (names, messages, keys, bodies); under a secret's key every value is masked,
   * numbers and booleans as zero. Masking twice changes nothing more.
   */
  maskRecord(kind: RecordKind, bytes: Uint8Array): number;
  /** `text` with secrets masked by their shape: the same text when there are none. Equal to masking its UTF-8. */
  maskText(text: string): string;
  /** Adds a rule. Throws `bad_parameter` for one that cannot be kept: no pattern, or one that is not supported. */
  addRule(rule: MaskRule): void;
  /** Grows by one with each rule added: what was masked under another version is to be masked again. */
  readonly version: number;
}

/** A masker with the built-in rules: keys in mask/secret-keys.ts, shapes in mask/value-shapes.ts. */
export function createMasker(): Masker {
  const shapes = new ValueShapes();
  const added = new AddedMaskRules();
  const walk = new RecordWalk(shapes, added);
  return {
    maskRecord: (kind, bytes) => walk.mask(kind, bytes),
    maskText(text) {
      const bytes = Buffer.from(text);
      const byShape = shapes.mask(bytes, 0, bytes.length);
      const byRule = added.maskText(bytes, 0, bytes.length);
      return byShape || byRule ? bytes.toString() : text;
    },
    addRule: (rule) => added.add(rule),
    get version() {
      return added.version;
    },
  };
}
