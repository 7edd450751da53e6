import { describe, expect, test } from "vitest";
import { fieldEnd, payloadStart, varintBig, varintEnd, varintValue } from "../../src/wire/cursor.ts";
import { varintBytes } from "../support/proto-writer.ts";

const BOUNDARIES = Array.from({ length: 9 }, (_, i) => 1n << BigInt(7 * (i + 1))).flatMap((bound) => [
  bound - 1n,
  bound,
  bound + 1n,
]);
const EXTREMES = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

describe("a varint", () => {
  test.each([...BOUNDARIES, ...EXTREMES])("of %s is read whole, wherever it lies", (value) => {
    const bytes = Uint8Array.from([0xff, ...varintBytes(value), 0xff]);
    expect(varintEnd(bytes, 1, bytes.length)).toBe(bytes.length - 1);
    expect(varintBig(bytes, 1)).toBe(value);
    expect(varintValue(bytes, 1)).toBe(Number(value));
  });

  test.each([
    ["two bytes for 0", [0x80, 0x00], 0n],
    ["ten bytes for 1", [0x81, ...new Array(8).fill(0x80), 0x00], 1n],
    ["bits above 64", [...new Array(9).fill(0xff), 0x7f], 2n ** 64n - 1n],
  ])("may be longer than it needs: %s", (_, bytes, value) => {
    expect(varintEnd(Uint8Array.from(bytes), 0, bytes.length)).toBe(bytes.length);
    expect(varintBig(Uint8Array.from(bytes), 0)).toBe(value);
  });

  test.each([
    ["eleven bytes", [...new Array(10).fill(0x80), 0x00], 11, /at byte 0: a varint is longer than 10 bytes/],
    ["cut off", [0x80, 0x80], 2, /at byte 0: a varint is cut off/],
    ["cut off by its message, not by the buffer", [0x80, 0x01], 1, /at byte 0: a varint is cut off/],
    ["nothing", [], 0, /at byte 0: a varint is cut off/],
  ])("is refused: %s", (_, bytes, end, message) => {
    expect(() => varintEnd(Uint8Array.from(bytes), 0, end)).toThrow(message);
  });
});

describe("a length", () => {
  test.each([
    [[0x00], 1],
    [[0x01, 0xaa], 1],
    [[0x80, 0x01, ...new Array(128).fill(0)], 2],
  ])("inside its message gives the payload's start", (bytes, start) => {
    expect(payloadStart(Uint8Array.from(bytes), 0, bytes.length)).toBe(start);
  });

  test.each([
    ["by one", [0x02, 0xaa], 2, /a field of 2 bytes runs 1 bytes past its message/],
    ["by far", varintBytes(2n ** 63n), 9, /cut off|runs/],
    ["of its message, though the buffer goes on", [0x01, 0xaa], 1, /a field of 1 bytes runs 1 bytes past/],
  ])("past the end is refused: %s", (_, bytes, end, message) => {
    expect(() => payloadStart(Uint8Array.from(bytes), 0, end)).toThrow(message);
  });
});

describe("an unknown field is skipped", () => {
  const GROUP_5 = [0x08, 0x01, 0x12, 0x01, 0xff, 0x2c]; // a varint, a string, then the end of group 5
  const GROUP_6_IN_5 = [0x33, 0x34, 0x2c];
  test.each([
    ["varint", 0x28, [0x80, 0x01], 2],
    ["fixed64", 0x29, new Array(8).fill(1), 8],
    ["length-delimited", 0x2a, [2, 9, 9], 3],
    ["fixed32", 0x2d, new Array(4).fill(1), 4],
    ["group", 0x2b, GROUP_5, GROUP_5.length],
    ["group in a group", 0x2b, GROUP_6_IN_5, GROUP_6_IN_5.length],
  ])("%s", (_, tag, bytes, end) => {
    expect(fieldEnd(Uint8Array.from([...bytes, 0xff]), 0, bytes.length + 1, tag)).toBe(end);
  });

  test.each([
    ["a fixed64 cut off", 0x29, [1, 2, 3], /a 64-bit value is cut off/],
    ["a fixed32 cut off", 0x2d, [1, 2, 3], /a 32-bit value is cut off/],
    ["a group never closed", 0x2b, [0x08, 0x01], /the group of field 5 is never closed/],
    ["a group closed by another's end", 0x2b, [0x34], /wire type 4 of field 6/],
    ["a group end without its start", 0x2c, [], /wire type 4 of field 5/],
    ["wire type 6", 0x2e, [1], /wire type 6/],
    ["field number 0", 0x02, [0], /tag 2 names no valid field number/],
    ["a tag above 32 bits", 2 ** 32 + 8, [0], /names no valid field number/],
    ["groups nested without end", 0x2b, new Array(1000).fill(0x2b), /groups are nested deeper than 64/],
  ])("unless it is %s", (_, tag, bytes, message) => {
    expect(() => fieldEnd(Uint8Array.from(bytes), 0, bytes.length, tag)).toThrow(message);
  });
});
