import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { createGather } from "../../src/otlp-receiver/gather.ts";
import { inflateNow } from "../../src/otlp-receiver/inflate.ts";

describe("inflateNow", () => {
  it("does not believe the size that gzip tells of itself", () => {
    const plain = Buffer.from("telemetry ".repeat(5_000));
    const checksumAndSize = gzipSync(plain);
    expect(inflateNow("gzip", checksumAndSize, 1 << 20)).toEqual(plain);
    // Node checks the size after inflating; what a lie may not do is to make it allocate or loop.
    for (const told of [0, 1, 0xffff_ffff]) {
      const lie = Buffer.from(checksumAndSize);
      lie.writeUInt32LE(told, lie.length - 4);
      expect(() => inflateNow("gzip", lie, 1 << 20)).toThrow(/not valid gzip/);
    }
  });

  it("reads members that follow each other", () => {
    const members = Buffer.concat([gzipSync("a".repeat(3_000)), gzipSync("b".repeat(50))]);
    expect(inflateNow("gzip", members, 1 << 20)!.toString()).toBe("a".repeat(3_000) + "b".repeat(50));
  });

  it("takes output of exactly the limit, and nothing above", () => {
    const body = gzipSync(Buffer.alloc(5_000));
    expect(inflateNow("gzip", body, 5_000)!.length).toBe(5_000);
    expect(inflateNow("gzip", body, 4_999)).toBeNull();
  });
});

describe("gather", () => {
  it("joins chunks from any byte on, and does not copy a single one", () => {
    const gather = createGather();
    const one = Buffer.from("hello");
    expect(gather([one], 5, 0)).toBe(one);
    expect(gather([one], 5, 2).toString()).toBe("llo");
    expect(gather([], 0, 0).length).toBe(0);
    expect(gather([one, Buffer.from(", world")], 12, 3).toString()).toBe("lo, world");
    const large = [Buffer.alloc(3_000_000, "a"), Buffer.alloc(3_000_000, "b")];
    const joined = gather(large, 6_000_000, 1);
    expect([joined.length, joined[0], joined[5_999_998]]).toEqual([5_999_999, 97, 98]);
  });
});
