import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteTable, OVERFLOW } from "../../../src/store/ring/intern.ts";

const seed = Date.now() & 0x7fff_ffff;
const bytes = (text: string): Uint8Array => Buffer.from(text);

function tableOf(entriesMax: number, bytesMax = 10_000, entryBytesMax = 100): ByteTable {
  return new ByteTable({ entriesMax, bytesMax, entryBytesMax }, Math.random);
}

function acquire(table: ByteTable, text: string): number {
  return table.acquire(bytes(`..${text}..`), 2, bytes(text).length);
}

describe("ByteTable", () => {
  it("gives equal bytes one number, and keeps a copy of them", () => {
    const table = tableOf(10);
    const source = bytes("GET /cart");
    const entry = table.acquire(source, 0, source.length);
    source.fill(0);
    expect(acquire(table, "GET /cart")).toBe(entry);
    expect(Buffer.from(table.bytesOf(entry)).toString()).toBe("GET /cart");
    expect(acquire(table, "GET /car")).not.toBe(entry);
    expect(table).toMatchObject({ count: 2, bytes: 17, overflowed: 0 });
  });

  it("forgets bytes with their last reference", () => {
    const table = tableOf(10);
    const entry = acquire(table, "a");
    table.retain(entry);
    expect(table.release(entry)).toBe(false);
    expect(table.isHeld(entry)).toBe(true);
    expect(table.release(entry)).toBe(true);
    expect(table.isHeld(entry)).toBe(false);
    expect(table).toMatchObject({ count: 0, bytes: 0, freed: 1 });
    expect(table.release(OVERFLOW)).toBe(false);
  });

  it.each([
    ["entries", tableOf(2)],
    ["bytes", tableOf(10, 2)],
  ])("gives what finds no room the overflow entry, for want of %s", (_, table) => {
    const first = acquire(table, "a");
    acquire(table, "b");
    expect(acquire(table, "c")).toBe(OVERFLOW);
    expect(acquire(table, "a")).toBe(first);
    expect(table.overflowed).toBe(1);
    table.release(first);
    table.release(first);
    expect(acquire(table, "c")).not.toBe(OVERFLOW);
  });

  it("does not keep an entry that is too large", () => {
    expect(acquire(tableOf(10, 10_000, 4), "12345")).toBe(OVERFLOW);
  });

  it(`agrees with a Map (seed ${seed})`, () => {
    const step = fc.record({ text: fc.string({ maxLength: 3 }), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = tableOf(20);
        const held = new Map<string, { entry: number; references: number }>();
        for (const { text, release } of steps) {
          const known = held.get(text);
          if (release) {
            if (known === undefined) continue;
            expect(table.release(known.entry)).toBe(known.references === 1);
            known.references--;
            if (known.references === 0) held.delete(text);
          } else {
            const entry = acquire(table, text);
            if (known !== undefined) expect(entry).toBe(known.entry);
            else if (held.size === 20) expect(entry).toBe(OVERFLOW);
            else expect([...held.values()].map((each) => each.entry)).not.toContain(entry);
            if (entry === OVERFLOW) continue;
            held.set(text, { entry, references: (known?.references ?? 0) + 1 });
          }
          expect(table.count).toBe(held.size);
        }
        for (const [text, { entry }] of held) expect(Buffer.from(table.bytesOf(entry)).toString()).toBe(text);
      }),
      { seed, numRuns: 200 },
    );
  });
});
