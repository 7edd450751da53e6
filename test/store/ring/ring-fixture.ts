import type { StoreLimits } from "../../../src/config.ts";
import type { Stream } from "../../../src/model/stream.ts";
import { createRingStore } from "../../../src/store/ring/ring-store.ts";
import type { StreamStats, TelemetryStore } from "../../../src/store/telemetry-store.ts";
import type { SpanSpec } from "../../support/otlp-build.ts";
import { FakeClock, START_MS } from "../store-under-test.ts";

export const MINUTE_MS = 60_000;

/** A ring store, and the clock it reads. */
export interface ClockedStore {
  readonly store: TelemetryStore;
  readonly clock: FakeClock;
}

export function makeRingStore(limits: StoreLimits): ClockedStore {
  const clock = new FakeClock(START_MS);
  return { clock, store: createRingStore({ limits, clock, random: Math.random }) };
}

export function statsOf(store: TelemetryStore, stream: Stream | "pinned"): StreamStats {
  return store.stats().streams.find((each) => each.stream === stream)!;
}

/** Spans of about `bytes` each; four of 240 fill a slab of 1 KiB. */
export function spans(count: number, bytes = 240, spec: Partial<SpanSpec> = {}): readonly SpanSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `s${i}`,
    attributes: { filler: "x".repeat(bytes - 80) },
    ...spec,
  }));
}
