import fc from "fast-check";
import { expect, test } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import { STREAMS } from "../../src/model/stream.ts";
import {
  errorCursor,
  isSinceCursor,
  readErrorCursor,
  readRecordCursor,
  readSinceCursor,
  readTraceCursor,
  recordCursor,
  sinceCursor,
  traceCursor,
} from "../../src/query/cursor.ts";

const SEED = Math.floor(Math.random() * 2 ** 31);
const EPOCH = "7k2";
const times = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test(`what is written is read (seed ${SEED})`, () => {
  fc.assert(
    fc.property(
      times,
      fc.constantFrom(...STREAMS),
      fc.nat(2 ** 31 - 1),
      fc.stringMatching(/^[0-9a-f]{32}$/),
      (timeNs, stream, number, id) => {
        const place = { timeNs, stream, sequence: number };
        expect(readRecordCursor(recordCursor(EPOCH, place), EPOCH, "after_cursor")).toEqual(place);
        const trace = { startNs: timeNs, traceId: id };
        expect(readTraceCursor(traceCursor(EPOCH, trace), EPOCH, "after_cursor")).toEqual(trace);
        const error = { lastSeenNs: timeNs, fingerprint: id.slice(0, 8) };
        expect(readErrorCursor(errorCursor(EPOCH, error), EPOCH, "after_cursor")).toEqual(error);
        expect(readSinceCursor(sinceCursor(EPOCH, number - 1), EPOCH)).toBe(number - 1);
        expect(isSinceCursor(sinceCursor(EPOCH, number))).toBe(true);
      },
    ),
    { seed: SEED },
  );
});

test(`any other text is refused by name, never read (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^p\.7k2(?:\.[0-9a-z-]{0,20}){0,4}$/)), (text) => {
      try {
        const place = readRecordCursor(text, EPOCH, "after_cursor");
        expect(recordCursor(EPOCH, place)).toBe(text.replace(/\.0+(?=[0-9a-z])/g, "."));
      } catch (error) {
        expect(error).toBeInstanceOf(GasolineError);
        expect((error as GasolineError).message).toContain("after_cursor");
      }
    }),
    { seed: SEED },
  );
});

test("a cursor of another run is from before the restart", () => {
  const cursor = recordCursor("abc", { timeNs: 1n, stream: "git", sequence: 1 });
  expect(() => readRecordCursor(cursor, EPOCH, "after_cursor")).toThrow(/before the restart/);
  expect(() => readSinceCursor("n.abc.4", EPOCH)).toThrow(
    expect.objectContaining({ code: "before_restart" }),
  );
});

test("a cursor of another listing says which one it belongs to", () => {
  expect(() => readTraceCursor("p.7k2.1.1.1", EPOCH, "after_cursor")).toThrow(/listing of records/);
  expect(() => readRecordCursor("n.7k2.1", EPOCH, "after_cursor")).toThrow(/filter\.since/);
});
