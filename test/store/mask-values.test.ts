import { describe, expect, it } from "vitest";
import { createMasker } from "../../src/store/mask.ts";
import { HARMLESS, KNOWN_MISSES, maskedText, SECRETS } from "./secret-corpus.ts";

const masker = createMasker();

describe("value shapes", () => {
  it("finds every secret of the corpus, and counts", () => {
    const found = SECRETS.filter((row) => masker.maskText(row.text) === maskedText(row));
    const missed = KNOWN_MISSES.filter((row) => masker.maskText(row.text).includes(row.secret));
    const alarms = HARMLESS.filter((text) => masker.maskText(text) !== text);
    console.info(
      `masking: ${found.length} of ${SECRETS.length} secrets found, ` +
        `${missed.length} of ${KNOWN_MISSES.length} known misses missed, ` +
        `${alarms.length} false alarms in ${HARMLESS.length} harmless texts`,
    );
    expect([found.length, missed.length, alarms.length]).toEqual([SECRETS.length, KNOWN_MISSES.length, 0]);
  });

  it.each(SECRETS)("masks exactly the secret: $name", (row) => {
    expect(masker.maskText(row.text)).toBe(maskedText(row));
  });

  it.each(KNOWN_MISSES)("is known to miss $name", (row) => {
    expect(masker.maskText(row.text)).toContain(row.secret);
  });

  it.each(HARMLESS)("leaves %j as it is", (text) => {
    expect(masker.maskText(text)).toBe(text);
  });
});
