import { describe, expect, it } from "vitest";
import { benchExtension } from "../bench/extension.ts";
import { type BenchRow, renderRows } from "../bench/row.ts";
import { BENCHMARKS } from "../bench/run.ts";
import { chromiumPath } from "./support/chromium.ts";

function expectNumbers(rows: readonly BenchRow[]): void {
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    expect(Number.isFinite(row.value), `${row.area}: ${row.name} = ${row.value}`).toBe(true);
    if (row.ratio !== undefined)
      expect(Number.isFinite(row.ratio), `${row.name}: ratio ${row.ratio}`).toBe(true);
  }
}

describe("benchmarks run at a small size", () => {
  it.each(Object.keys(BENCHMARKS))("%s", { timeout: 120_000 }, async (area) => {
    expectNumbers(await BENCHMARKS[area]!("small"));
  });

  it.skipIf(chromiumPath() === undefined)("extension", { timeout: 120_000 }, async () => {
    expectNumbers(await benchExtension("small"));
  });
});

describe("renderRows", () => {
  it("lines up what was measured beside its ratio and target", () => {
    const text = renderRows([
      {
        area: "ring",
        name: "commit",
        value: 123.456,
        unit: "ns/span",
        target: "≤ 450 ns/span",
        baseline: "memcpy",
        ratio: 2.5,
      },
      { area: "tree", name: "build", value: 1_234_567, unit: "spans/s" },
    ]);
    expect(text).toBe(
      [
        "area  what    measured           ratio in this run  target",
        "────  ──────  ─────────────────  ─────────────────  ─────────────",
        "ring  commit  123 ns/span        2.5 × memcpy       ≤ 450 ns/span",
        "tree  build   1,234,567 spans/s",
        "",
      ].join("\n"),
    );
  });
});
