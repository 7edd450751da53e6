import { constants, PerformanceObserver } from "node:perf_hooks";
import { expect, it } from "vitest";
import { BodyMemory } from "../../src/otlp-receiver/body-memory.ts";

const MIB = 1024 * 1024;

it("frees a chunk that has memory of its own, and leaves one alone that shares it", () => {
  const memory = new BodyMemory();
  const own = Buffer.from(new ArrayBuffer(100));
  const shared = Buffer.from(new ArrayBuffer(100)).subarray(0, 50);
  memory.release(own);
  memory.release(shared);
  expect([own.length, shared.length]).toEqual([0, 50]);
});

it("frees all memory that bytes are a view of", () => {
  const bytes = new Uint8Array(1000);
  new BodyMemory().free(bytes.subarray(10, 20));
  expect(bytes.length).toBe(0);
});

it("collects the young generation, and only that, once enough was dropped", async () => {
  const kinds: unknown[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if ("detail" in entry) kinds.push(Object(entry.detail).kind);
  });
  observer.observe({ entryTypes: ["gc"] });
  const memory = new BodyMemory();
  for (let i = 0; i < 40; i++) memory.dropped(MIB);
  while (kinds.filter((kind) => kind === constants.NODE_PERFORMANCE_GC_MINOR).length < 10) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  observer.disconnect();
  expect(kinds).not.toContain(constants.NODE_PERFORMANCE_GC_MAJOR);
  expect("gc" in globalThis).toBe(false);
});
