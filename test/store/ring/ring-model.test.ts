import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { STREAMS, type Stream } from "../../../src/model/stream.ts";
import { createRingStore } from "../../../src/store/ring/ring-store.ts";
import type { TelemetryStore } from "../../../src/store/telemetry-store.ts";
import { DEFAULT_START_NS, type LogSpec, type SpanSpec } from "../../support/otlp-build.ts";
import { allRecords, commitLogs, commitSpans, FakeClock, START_MS, traceId } from "../store-under-test.ts";
import { smallLimits } from "./ring-limits.ts";

const TTL_MS = 60_000;
const TRACES = 6;
const seed = Date.now() & 0x7fff_ffff;

type Kind = "spans" | "logs" | "tests" | "custom";
const STREAM_OF: Readonly<Record<Kind, Stream>> = {
  spans: "backend.spans",
  logs: "backend.logs",
  tests: "tests",
  custom: "custom",
};

type Step =
  | {
      readonly do: "commit";
      readonly kind: Kind;
      readonly records: readonly { trace: number; bytes: number; ms: number }[];
    }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "clear"; readonly kinds: readonly Kind[] }
  | { readonly do: "pin"; readonly trace: number };

const kinds = fc.constantFrom<Kind>("spans", "logs", "tests", "custom");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("commit" as const),
      kind: kinds,
      records: fc.array(
        fc.record({
          trace: fc.nat({ max: TRACES }),
          // Some fill a slab, some need a buffer of their own, some are more than a stream keeps.
          bytes: fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.constantFrom(900, 1_500, 2_500, 4_000)),
          ms: fc.integer({ min: -100_000, max: 100_000 }),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.nat({ max: TTL_MS }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("clear" as const), kinds: fc.uniqueArray(kinds) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("pin" as const), trace: fc.nat({ max: TRACES }) }) },
);

interface Kept {
  readonly name: string;
  readonly trace: number;
  readonly timeNs: bigint;
  readonly arrivedMs: number;
  id: string;
  state: "held" | "pinned" | "lost" | "cleared";
}

/**
 * What the store should hold, as arrays. How many records a stream evicts depends on slabs; the model takes that
 * number from the store's own count, and from there on knows what must follow from it.
 */
class Model {
  readonly streams = new Map<Stream, Kept[]>(STREAMS.map((stream) => [stream, []]));
  readonly pinned = new Set<number>();
  private readonly store: TelemetryStore;

  constructor(store: TelemetryStore) {
    this.store = store;
  }

  get all(): readonly Kept[] {
    return [...this.streams.values()].flat();
  }

  isThere({ state }: Kept): boolean {
    return state === "held" || state === "pinned";
  }

  /** Brings the model to the store's counts: the oldest left first. */
  sync(): void {
    for (const { stream, records } of this.store.stats().streams) {
      if (stream === "pinned") continue;
      const held = this.streams.get(stream)!.filter(({ state }) => state === "held");
      for (const record of held.slice(0, held.length - records)) {
        record.state = this.pinned.has(record.trace) ? "pinned" : "lost";
      }
    }
  }

  clear(streams: readonly Stream[]): number {
    const gone = streams.flatMap((stream) => this.streams.get(stream)!).filter(this.isThere);
    for (const record of gone) record.state = "cleared";
    this.forgetPins();
    return gone.length;
  }

  /** A trace of which nothing is held is forgotten, and that it was pinned. */
  forgetPins(): void {
    const there = new Set(this.all.filter(this.isThere).map(({ trace }) => trace));
    for (const trace of this.pinned) if (!there.has(trace)) this.pinned.delete(trace);
  }
}

async function run(steps: readonly Step[]): Promise<void> {
  const clock = new FakeClock(START_MS);
  const store = createRingStore({ limits: smallLimits(), clock, random: Math.random });
  const model = new Model(store);
  let names = 0;
  for (const each of steps) {
    if (each.do === "commit") {
      const sent = each.records.map((record) => ({ ...record, name: `n${names++}` }));
      commit(store, each.kind, sent);
      const tooLarge = new Set(sent.filter(({ bytes }) => bytes >= 3_072).map(({ name }) => name));
      const kept = sent.filter(({ name }) => !tooLarge.has(name));
      model.streams.get(STREAM_OF[each.kind])!.push(
        ...kept.map(({ name, trace, ms }) => ({
          name,
          trace,
          timeNs: timeOf(ms),
          arrivedMs: clock.ms,
          id: "",
          state: "held" as const,
        })),
      );
    } else if (each.do === "wait") {
      clock.ms += each.ms;
    } else if (each.do === "clear") {
      const streams = each.kinds.map((kind) => STREAM_OF[kind]);
      model.sync();
      expect(await store.clear(streams)).toBe(model.clear(streams));
    } else if (each.trace > 0) {
      const pinned = await store.pin(traceId(each.trace));
      model.sync();
      const there = model.all.filter((record) => record.trace === each.trace && model.isThere(record)).length;
      expect(pinned).toBe(there);
      if (there > 0) model.pinned.add(each.trace);
    }
    await check(store, model, clock);
  }
}

const timeOf = (ms: number): bigint => DEFAULT_START_NS + BigInt(ms) * 1_000_000n;

/** Trace 0 is none, for logs; spans always have one. */
function commit(
  store: TelemetryStore,
  kind: Kind,
  records: readonly { name: string; trace: number; bytes: number; ms: number }[],
): void {
  const common = records.map(({ name, trace, bytes, ms }) => ({
    name,
    eventName: name,
    ...(trace === 0 && kind !== "spans" ? {} : { traceId: traceId(trace) }),
    spanId: "00000000000000aa",
    startNs: timeOf(ms),
    timeNs: timeOf(ms),
    attributes: { filler: "x".repeat(bytes), ...(kind === "tests" ? { "test.case.name": "t" } : {}) },
    ...(kind === "custom" ? { scope: { name: "gasoline.custom" } } : {}),
  }));
  const result =
    kind === "spans"
      ? commitSpans(store, common as readonly SpanSpec[])
      : commitLogs(store, common as readonly LogSpec[]);
  const tooLarge = records.filter(({ bytes }) => bytes >= 3_072).length;
  expect(result).toMatchObject({ stored: records.length - tooLarge, dropped: tooLarge });
}

async function check(store: TelemetryStore, model: Model, clock: FakeClock): Promise<void> {
  const records = await allRecords(store);
  model.sync();
  const there = model.all.filter(model.isThere);
  expect(records.map(nameOf).sort()).toEqual(there.map(({ name }) => name).sort());
  const times = records.map((record) => (record.kind === "span" ? record.startNs : record.timeNs));
  expect(times).toEqual([...times].sort((a, b) => Number(a - b)));

  for (const record of records) model.all.find(({ name }) => name === nameOf(record))!.id = record.id;
  for (const record of model.all) {
    if (record.id === "") continue;
    const found = await store.record(record.id);
    expect(found.found).toBe(model.isThere(record) ? "yes" : "evicted");
    if (found.found === "yes") expect(nameOf(found.value)).toBe(record.name);
  }

  const stats = store.stats();
  for (const { stream, records: held, accepted, evicted, expired, dropped: _ } of stats.streams) {
    if (stream === "pinned") {
      expect(held).toBe(model.all.filter(({ state }) => state === "pinned").length);
      continue;
    }
    const kept = model.streams.get(stream)!;
    expect(accepted).toBe(kept.length);
    expect(held).toBeLessThanOrEqual(20);
    const left = kept.filter(({ state }) => state !== "held");
    expect(evicted + expired).toBeLessThanOrEqual(left.length);
    for (const record of kept) {
      if (record.state === "held") expect(clock.ms - record.arrivedMs).toBeLessThan(TTL_MS);
    }
  }
  expect(stats.arenaBytesUsed).toBeLessThanOrEqual(stats.arenaBytes);

  for (let trace = 1; trace <= TRACES; trace++) await checkTrace(store, model, trace);
  await checkCoverage(store, model);
}

async function checkTrace(store: TelemetryStore, model: Model, trace: number): Promise<void> {
  const sent = model.all.filter((record) => record.trace === trace);
  const there = sent.filter(model.isThere);
  const found = await store.trace(traceId(trace));
  if (there.length === 0) {
    expect(found.found).toBe(sent.length === 0 ? "never_seen" : "evicted");
    return;
  }
  if (found.found !== "yes") throw new Error(found.reason);
  const names = [...found.value.spans, ...found.value.logs].map(nameOf);
  expect(names.sort()).toEqual(there.map(({ name }) => name).sort());
  expect(found.value.lost).toBe(sent.filter(({ state }) => state === "lost").length);
  const page = await store.traces({ filter: { traceId: traceId(trace) }, limit: 1 });
  expect(page.traces[0]).toMatchObject({ spans: found.value.spans.length, logs: found.value.logs.length });
}

/** Losses are never understated, and with no window they are exact. */
async function checkCoverage(store: TelemetryStore, model: Model): Promise<void> {
  const lost = model.all.filter(({ state }) => state === "lost");
  const whole = await store.records({ filter: {}, order: "newest", limit: 0 });
  expect(whole.lost).toBe(lost.length);
  for (const [sinceMs, untilMs] of [
    [-50_000, 0],
    [0, 10_000],
    [-3, -2],
  ] as const) {
    const filter = { sinceNs: timeOf(sinceMs), untilNs: timeOf(untilMs) };
    const inWindow = lost.filter(({ timeNs }) => timeNs >= filter.sinceNs && timeNs < filter.untilNs).length;
    const page = await store.records({ filter, order: "newest", limit: 0 });
    expect(page.lost).toBeGreaterThanOrEqual(inWindow);
    expect(page.lost).toBeLessThanOrEqual(lost.length);
  }
}

function nameOf(record: {
  readonly kind: string;
  readonly name?: string;
  readonly eventName?: string;
}): string {
  return (record.kind === "log" ? record.eventName : record.name)!;
}

describe("the ring store against arrays", () => {
  it(`holds what they hold (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), run), {
      seed,
      numRuns: 100,
    });
  });
});
