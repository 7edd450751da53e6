import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DEFAULTS } from "../src/config.ts";
import { NONE } from "../src/store/ring/columns.ts";
import { ByteTable } from "../src/store/ring/intern.ts";
import { createRingStore } from "../src/store/ring/ring-store.ts";
import { TraceIndex } from "../src/store/ring/trace-index.ts";
import { SPANS_PER_REQUEST } from "./ingest-batch.ts";
import type { RingMemory } from "./ring-memory.ts";
import { type BenchRow, median } from "./row.ts";
import { TableSource } from "./store-fill.ts";

const MIB = 1024 * 1024;

/** What the store adds to ingest, and what its memory costs. */
export async function benchRing(size: "small" | "full"): Promise<BenchRow[]> {
  const rounds = size === "small" ? 30 : 200;
  const commit = commitTimes(rounds);
  const copyNs = copyTime(rounds);
  const objectNs = objectTime(rounds);
  const rows: BenchRow[] = [
    {
      area: "ring",
      name: "commit of 512 spans, ring full",
      value: commit.ns,
      unit: "ns/span",
      target: "≤ 250 ns/span",
      baseline: "memcpy of the same bodies",
      ratio: commit.ns / copyNs,
    },
    { area: "ring", name: "of it: copy into slabs", value: copyNs, unit: "ns/span" },
    { area: "ring", name: "of it: trace index, in and out", value: indexTime(rounds), unit: "ns/span" },
    { area: "ring", name: "of it: name intern, in and out", value: internTime(rounds), unit: "ns/span" },
    {
      area: "ring",
      name: "a plain object a span into a bounded array",
      value: objectNs,
      unit: "ns/span",
      baseline: "commit",
      ratio: objectNs / commit.ns,
    },
  ];
  const memory = measureMemory(size === "small" ? 200_000 : 1_000_000, 10 * rounds);
  rows.push(
    {
      area: "ring",
      name: "bytes a span beyond its raw bytes (8 spans a trace)",
      value: memory.bytesBeyondRaw,
      unit: "B/record",
      target: "≤ 100 B/record",
      baseline: "the record's bytes",
      ratio: memory.bytesBeyondRaw / memory.recordBytesMean,
    },
    {
      area: "ring",
      name: "longest GC pause under sustained commit",
      value: memory.gcPauseMaxMs,
      unit: "ms",
      target: "< 10 ms",
    },
    {
      area: "ring",
      name: "GC share of sustained commit",
      value: 100 * memory.gcShare,
      unit: "%",
      target: "< 1 %",
    },
    { area: "ring", name: "create a store", value: createTime(), unit: "ms", target: "< 10 ms" },
  );
  return rows;
}

function newStore() {
  return createRingStore({ limits: DEFAULTS.store, clock: { nowMs: () => Date.now() }, random: Math.random });
}

function commitTimes(rounds: number): { readonly ns: number } {
  const source = new TableSource();
  const store = newStore();
  source.fill(store, DEFAULTS.store.streams["backend.spans"].recordsMax + 20_000);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const table = source.next();
    const from = process.hrtime.bigint();
    store.commitSpans(table);
    times.push(Number(process.hrtime.bigint() - from) / table.count);
  }
  return { ns: median(times) };
}

/** Copying the bodies whole, slab by slab: the least that keeping them can cost. */
function copyTime(rounds: number): number {
  const source = new TableSource(8);
  const slabs = Array.from({ length: 64 }, () => new Uint8Array(MIB).fill(1));
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const body = source.bodies[i % source.bodies.length]!;
    const from = process.hrtime.bigint();
    slabs[i % slabs.length]!.set(body, 4096 * (i % 100));
    times.push(Number(process.hrtime.bigint() - from) / SPANS_PER_REQUEST);
  }
  return median(times);
}

function indexTime(rounds: number): number {
  const records = 131_072;
  const index = new TraceIndex(records, Math.random);
  const next = new Uint32Array(records);
  const chains = new Uint32Array(records).fill(NONE);
  const source = new TableSource(4);
  const times: number[] = [];
  let slot = 0;
  for (let i = 0; i < rounds + records / SPANS_PER_REQUEST; i++) {
    const { ids, count } = source.next();
    const from = process.hrtime.bigint();
    for (let row = 0; row < count; row++) {
      if (chains[slot] !== NONE) index.unlink(chains[slot]!, slot, next);
      const w = 8 * row;
      chains[slot] = index.link(
        index.open(ids[w]!, ids[w + 1]!, ids[w + 2]!, ids[w + 3]!, row),
        0,
        slot,
        next,
      );
      slot = (slot + 1) & (records - 1);
    }
    if (i >= records / SPANS_PER_REQUEST) times.push(Number(process.hrtime.bigint() - from) / count);
  }
  return median(times);
}

function internTime(rounds: number): number {
  const table = new ByteTable({ entriesMax: 32_768, entryBytesMax: 1024, bytesMax: 4 * MIB }, Math.random);
  const names = Array.from({ length: 1_000 }, (_, i) => Buffer.from(`GET /api/v1/resource/${i}/detail`));
  for (const name of names) table.acquire(name, 0, name.length);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const from = process.hrtime.bigint();
    for (let k = 0; k < SPANS_PER_REQUEST; k++) {
      const name = names[(k * 7 + i) % names.length]!;
      table.release(table.acquire(name, 0, name.length));
    }
    times.push(Number(process.hrtime.bigint() - from) / SPANS_PER_REQUEST);
  }
  return median(times);
}

/** What the commit would be without any index or decoding: one object with the same few fields and the bytes. */
function objectTime(rounds: number): number {
  const source = new TableSource(8);
  const kept: unknown[] = new Array(131_072);
  const times: number[] = [];
  let at = 0;
  for (let i = 0; i < rounds + kept.length / SPANS_PER_REQUEST; i++) {
    const table = source.next();
    const from = process.hrtime.bigint();
    for (let row = 0; row < table.count; row++) {
      const offset = table.offset[row]!;
      kept[at] = {
        traceId: table.ids.slice(8 * row, 8 * row + 4),
        spanId: table.ids.slice(8 * row + 4, 8 * row + 6),
        bits: table.bits[row],
        bytes: new Uint8Array(table.body.subarray(offset, offset + table.length[row]!)),
      };
      at = (at + 1) % kept.length;
    }
    if (i >= kept.length / SPANS_PER_REQUEST)
      times.push(Number(process.hrtime.bigint() - from) / table.count);
  }
  return median(times);
}

function createTime(): number {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const from = process.hrtime.bigint();
    newStore();
    times.push(Number(process.hrtime.bigint() - from) / 1e6);
  }
  return median(times);
}

/** Memory is measured in a process of its own, so that nothing else's garbage is counted. */
function measureMemory(records: number, rounds: number): RingMemory {
  const script = fileURLToPath(new URL("./ring-memory.ts", import.meta.url));
  const args = ["--expose-gc", script, String(records), String(rounds)];
  const child = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (child.status !== 0) throw new Error(`ring-memory.ts failed: ${child.stderr}`);
  return JSON.parse(child.stdout) as RingMemory;
}
