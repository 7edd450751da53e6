/** One measured number. */
export interface BenchRow {
  readonly area: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the design asks for, in words: `≤ 450 ns/span`. */
  readonly target?: string;
  /** What `ratio` compares with, measured in the same run. */
  readonly baseline?: string;
  /** value ÷ the baseline's value. */
  readonly ratio?: number;
}

/** The rows as one aligned text table. */
export function renderRows(rows: readonly BenchRow[]): string {
  const cells = rows.map((row) => [
    row.area,
    row.name,
    `${formatNumber(row.value)} ${row.unit}`,
    row.ratio === undefined ? "" : `${formatNumber(row.ratio)} × ${row.baseline ?? ""}`,
    row.target ?? "",
  ]);
  const table = [["area", "what", "measured", "ratio in this run", "target"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => [...line[column]!].length)));
  const lines = table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "─".repeat(width)).join("  "));
  return `${lines.join("\n")}\n`;
}

/** The middle value of `values`; NaN when there are none. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which `share` of `values` lie (nearest rank); NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

function formatNumber(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
