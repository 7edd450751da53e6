import fc from "fast-check";
import { SPAN_KINDS, type Span, STATUS_CODES } from "../../src/model/span.ts";
import { makeResource, makeSpan } from "./draw-trace.ts";

/** A span id of 16 hex digits. */
export function hex(id: number): string {
  return id.toString(16).padStart(16, "0");
}

/** A chain `count` deep: span i is the child of i - 1, starts 1 ns later and ends 1 ns earlier. */
export function chain(count: number): Span[] {
  return Array.from({ length: count }, (_, i) =>
    makeSpan({
      spanId: hex(i + 1),
      parentSpanId: i === 0 ? "" : hex(i),
      name: `step ${i % 100}`,
      startNs: BigInt(1_000 + i),
      endNs: BigInt(1_000 + 2 * count - i),
    }),
  );
}

/** A root with `count - 1` children, 10 ns each, one after the other. */
export function star(count: number): Span[] {
  const root = makeSpan({ spanId: hex(1), name: "root", startNs: 1_000n, endNs: BigInt(1_000 + 10 * count) });
  const child = (i: number) =>
    makeSpan({
      spanId: hex(i + 1),
      parentSpanId: hex(1),
      name: `child ${i % 100}`,
      startNs: BigInt(1_000 + 10 * i - 10),
      endNs: BigInt(1_000 + 10 * i),
    });
  return [root, ...Array.from({ length: count - 1 }, (_, i) => child(i + 1))];
}

/**
 * Up to 30 spans whose links, times and ids are arbitrary: self-parents, cycles, orphans, duplicates, shared ids,
 * ends before starts and open spans all come up.
 */
export function spansOfAnyShape(): fc.Arbitrary<Span[]> {
  const span = fc.record({
    spanId: fc.integer({ min: 1, max: 20 }),
    parent: fc.integer({ min: 0, max: 22 }),
    startNs: fc.integer({ min: 1, max: 40 }),
    length: fc.integer({ min: -3, max: 40 }),
    open: fc.integer({ min: 0, max: 9 }),
    spanKind: fc.constantFrom(...SPAN_KINDS),
    statusCode: fc.constantFrom(...STATUS_CODES),
    service: fc.constantFrom("a", "b", "c"),
    host: fc.constantFrom("", "h1", "h2"),
    name: fc.constantFrom("GET /", "query", "render"),
  });
  return fc.array(span, { maxLength: 30 }).map((drawn) =>
    drawn.map((given) =>
      makeSpan({
        spanId: hex(given.spanId),
        parentSpanId: given.parent === 0 ? "" : hex(given.parent),
        startNs: BigInt(given.startNs),
        endNs: given.open === 0 ? 0n : BigInt(Math.max(1, given.startNs + given.length)),
        spanKind: given.spanKind,
        statusCode: given.statusCode,
        name: given.name,
        resource: makeResource(given.service, given.host === "" ? {} : { "host.id": given.host }),
      }),
    ),
  );
}
