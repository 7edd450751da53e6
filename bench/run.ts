import { type BenchRow, renderRows } from "./row.ts";

/** Every benchmark by its area. Each is loaded when asked for, so that none warms the machine for another. */
export const BENCHMARKS: Readonly<Record<string, (size: "small" | "full") => Promise<readonly BenchRow[]>>> =
  {
    decode: async (size) => (await import("./decode.ts")).benchDecode(size),
    ingest: async (size) => (await import("./ingest.ts")).benchIngest(size),
    ring: async (size) => (await import("./ring.ts")).benchRing(size),
    mask: async (size) => (await import("./mask.ts")).benchMask(size),
    queries: async (size) => (await import("./queries.ts")).benchQueries(size),
    observe: async (size) => (await import("./observe.ts")).benchObserve(size),
    analyze: async (size) => (await import("./analyze.ts")).benchAnalyze(size),
    generate: async (size) => (await import("./generate.ts")).benchGenerate(size),
    tree: async (size) => (await import("./tree.ts")).benchTree(size),
    causality: async (size) => (await import("./causality.ts")).benchCausality(size),
    enrich: async (size) => (await import("./enrich.ts")).benchEnrich(size),
    analyses: async (size) => (await import("./analyses.ts")).benchAnalyses(size),
    adapters: async (size) => (await import("./adapters.ts")).benchAdapters(size),
    "test-runs": async (size) => (await import("./test-runs.ts")).benchTestRuns(size),
    memory: async (size) => (await import("./memory.ts")).benchMemory(size),
    interact: async (size) => (await import("./interact.ts")).benchInteract(size),
    start: async (size) => (await import("./start.ts")).benchStart(size),
  };

if (import.meta.main) {
  const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
  const size = process.argv.includes("--small") ? "small" : "full";
  const unknown = asked.filter((area) => !Object.hasOwn(BENCHMARKS, area));
  if (unknown.length > 0) {
    process.stderr.write(
      `No benchmark is called ${unknown.join(", ")}. There are: ${Object.keys(BENCHMARKS).join(", ")}.\n`,
    );
    process.exit(2);
  }
  const rows: BenchRow[] = [];
  for (const area of asked.length > 0 ? asked : Object.keys(BENCHMARKS)) {
    process.stderr.write(`${area} …\n`);
    rows.push(...(await BENCHMARKS[area]!(size)));
  }
  process.stdout.write(renderRows(rows));
}
