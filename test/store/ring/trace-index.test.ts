import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NONE } from "../../../src/store/ring/columns.ts";
import { TraceIndex } from "../../../src/store/ring/trace-index.ts";

const seed = Date.now() & 0x7fff_ffff;
const SLOTS = 32;
const RINGS = 3;

type Words = readonly [number, number, number, number];
const idOf = (number: number): Words => [0xa0a0a0a0, 0, number >>> 0, 1];

describe("TraceIndex", () => {
  it(`agrees with a Map (seed ${seed})`, () => {
    const step = fc.record({
      ring: fc.nat({ max: RINGS - 1 }),
      trace: fc.nat({ max: 40 }),
      evict: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const index = new TraceIndex(RINGS * SLOTS, Math.random);
        const next = Array.from({ length: RINGS }, () => new Uint32Array(SLOTS));
        const chains = Array.from({ length: RINGS }, () => new Uint32Array(SLOTS));
        /** Per ring, the traces of its records in order of arrival; slots count round. */
        const rings: { readonly slot: number; readonly trace: number }[][] = Array.from(
          { length: RINGS },
          () => [],
        );
        const used = new Array<number>(RINGS).fill(0);
        for (const { ring, trace, evict } of steps) {
          const records = rings[ring]!;
          if ((evict && records.length > 0) || records.length === SLOTS) {
            const oldest = records.shift()!;
            index.unlink(chains[ring]![oldest.slot]!, oldest.slot, next[ring]!);
          } else {
            const slot = used[ring]!++ % SLOTS;
            const number = index.open(...idOf(trace), used[ring]!);
            chains[ring]![slot] = index.link(number, ring, slot, next[ring]!);
            records.push({ slot, trace });
          }
          const held = new Map<number, number>();
          for (const record of rings.flat()) held.set(record.trace, (held.get(record.trace) ?? 0) + 1);
          expect(index.count).toBe(held.size);
          for (let each = 0; each <= 40; each++) {
            const found = index.find(...idOf(each));
            expect(found === NONE ? 0 : index.recordsOf(found)).toBe(held.get(each) ?? 0);
            if (found === NONE) continue;
            for (let r = 0; r < RINGS; r++) {
              const chain = index.chainOf(found, r);
              const slots: number[] = [];
              if (chain !== NONE) {
                let slot = index.chainHead[chain]!;
                for (let left = index.chainCount[chain]!; left > 0; left--) {
                  slots.push(slot);
                  slot = next[r]![slot]!;
                }
              }
              expect(slots).toEqual(
                rings[r]!.filter((record) => record.trace === each).map((record) => record.slot),
              );
            }
          }
        }
      }),
      { seed, numRuns: 30 },
    );
  });

  it("unlinks from the middle and from the end of a chain", () => {
    const index = new TraceIndex(8, Math.random);
    const next = new Uint32Array(8);
    const trace = index.open(1, 2, 3, 4, 0);
    const chain = [0, 1, 2, 3].map((slot) => index.link(trace, 0, slot, next))[0]!;
    index.unlink(chain, 2, next);
    index.unlink(chain, 3, next);
    index.link(trace, 0, 5, next);
    expect([index.chainHead[chain], next[0], next[1], index.chainCount[chain]]).toEqual([0, 1, 5, 3]);
  });

  it("remembers what a trace lost when its records come back", () => {
    const index = new TraceIndex(8, Math.random);
    const next = new Uint32Array(8);
    const trace = index.open(1, 2, 3, 4, 0);
    const chain = index.link(trace, 0, 0, next);
    index.lost[trace] = 7;
    index.unlink(chain, 0, next);
    expect(index.find(1, 2, 3, 4)).toBe(NONE);
    expect(index.departed.lostOf(1, 2, 3, 4)).toBe(7);
    expect(index.lost[index.open(1, 2, 3, 4, 1)]).toBe(7);
    expect(index.lost[index.open(1, 2, 3, 5, 2)]).toBe(0);
  });

  // What a weak hash would put in one place: ids that count up, that differ in high bits only, that share all but one
  // word.
  it.each<[string, (i: number) => Words]>([
    ["that count up", (i) => [0, 0, 0, i + 1]],
    ["that differ in their highest bits", (i) => [(i << 24) >>> 0, (i >>> 8) << 24, (i >>> 16) << 24, 1]],
    ["of one first word", (i) => [0x5f5f5f5f, Math.imul(i, 0x10001) >>> 0, 0, 1]],
    ["in steps of a power of two", (i) => [0, (i << 12) >>> 0, i >>> 20, 1]],
  ])("keeps probes short under a flood of ids %s", (_, words) => {
    const count = 60_000;
    const index = new TraceIndex(count, Math.random);
    const next = new Uint32Array(count);
    for (let i = 0; i < count; i++) index.link(index.open(...words(i), i), 0, i, next);
    expect(index.count).toBe(count);
    expect(index.longestRun()).toBeLessThan(400);
  });
});
