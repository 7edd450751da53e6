import { join } from "node:path";
import type { BaselineSummary } from "../src/correlate/baseline.ts";
import { conclude, prepareDiagnosis } from "../src/correlate/causality.ts";
import {
  CAUSALITY_RULES,
  type CausalityRules,
  type CausalitySteps,
} from "../src/correlate/causality-rules.ts";
import { summarize } from "../src/correlate/summarize.ts";
import { readWindow } from "../src/query/offline.ts";
import { accuracyAt, CASES_FOLDER, type RcaCase, rankOf, readCases, readCaseWindow } from "./rca-cases.ts";
import { measureJoins } from "./rca-logs.ts";

/** A set of rules to try, and the baselines to try it with. */
interface Variant {
  readonly name: string;
  readonly rules: CausalityRules;
  readonly baselines: (all: readonly BaselineSummary[]) => readonly BaselineSummary[];
}

const STEP_NAMES: Readonly<Record<keyof CausalitySteps, string>> = {
  selfTime: "self time",
  edgeGaps: "edge gaps",
  calleeBlame: "blame of the callee for gaps",
  criticalPath: "weight of the critical path",
  logs: "log records",
  transitions: "which log record follows which",
  calls: "new and repeated calls",
  stops: "sequences that stop or skip",
  errors: "errors and exceptions",
  explain: "explaining by what lies below",
};

const FULL: Variant = { name: "all steps", rules: CAUSALITY_RULES, baselines: (all) => all };

/** Each step off by itself, then each baseline alone. */
function ablations(): Variant[] {
  const steps = Object.keys(STEP_NAMES) as (keyof CausalitySteps)[];
  return [
    ...steps.map((step) => ({
      ...FULL,
      name: `without ${STEP_NAMES[step]}`,
      rules: { ...CAUSALITY_RULES, steps: { ...CAUSALITY_RULES.steps, [step]: false } },
    })),
    { ...FULL, name: "with the first baseline only", baselines: (all) => all.slice(0, 1) },
    { ...FULL, name: "with the last baseline only", baselines: (all) => all.slice(-1) },
  ];
}

/** Draws of half of a case's traces: what a smaller window would have said. */
const HALVES = 4;

/** Each number of the rules a quarter lower and higher. */
function perturbations(): Variant[] {
  return Object.entries(CAUSALITY_RULES).flatMap(([name, value]) => {
    if (typeof value !== "number" || name === "scoreMin" || name === "leadMin") return [];
    return [0.75, 1.25].map((factor) => ({
      ...FULL,
      name: `${name} × ${factor}`,
      rules: { ...CAUSALITY_RULES, [name]: value * factor },
    }));
  });
}

interface Outcome {
  readonly rcaCase: RcaCase;
  /** By variant. */
  readonly ranks: readonly number[];
  /** With only half of the traces, by draw. */
  readonly halves: readonly number[];
  readonly abstained: boolean;
  readonly line: string;
}

async function run(folder: string): Promise<void> {
  const cases = await readCases(folder);
  const variants = [FULL, ...ablations(), ...perturbations()];
  const summaries = new Map<string, BaselineSummary>();
  const outcomes: Outcome[] = [];
  for (const rcaCase of cases) {
    for (const path of rcaCase.baselines) {
      if (summaries.has(path)) continue;
      const { spans, logs } = await readWindow([join(folder, path)]);
      summaries.set(path, summarize(spans, logs));
    }
    process.stderr.write(`${rcaCase.id} …\n`);
    outcomes.push(await tryAll(folder, rcaCase, variants, summaries));
  }
  printScores(outcomes);
  printVariants("Each step off in turn", outcomes, variants.slice(0, 1 + ablations().length));
  printStability(outcomes, variants);
  printHalves(outcomes);
  process.stderr.write("log records without ids …\n");
  print("Log records with their ids taken away, put back (%)", [
    ["system and band", "lines", "right trace", "right span"],
    ...(await measureJoins(folder, cases))
      .sort((a, b) => (`${a.system} ${a.band}` < `${b.system} ${b.band}` ? -1 : 1))
      .map(({ system, band, lines, onTrace, onSpan }) => [
        `${system} ${band}`,
        String(lines),
        ...[onTrace, onSpan].map((right) => ((100 * right) / lines).toFixed(2)),
      ]),
  ]);
}

async function tryAll(
  folder: string,
  rcaCase: RcaCase,
  variants: readonly Variant[],
  summaries: ReadonlyMap<string, BaselineSummary>,
): Promise<Outcome> {
  const { spans, logs } = await readCaseWindow(folder, rcaCase);
  const all = rcaCase.baselines.map((path) => summaries.get(path)!);
  const prepared = new Map<number, ReturnType<typeof prepareDiagnosis>>();
  const reports = variants.map(({ rules, baselines }) => {
    const used = baselines(all);
    const key = all.indexOf(used[0]!) * all.length + used.length;
    const ready = prepared.get(key) ?? prepareDiagnosis({ spans, logs, baselines: used });
    prepared.set(key, ready);
    return conclude(ready, rules);
  });
  const [report] = reports;
  const ranks = reports.map(({ ranking }) => rankOf(ranking, rcaCase.root_cause_service));
  const best = report!.ranking.slice(0, 3).map(({ service, score }) => `${service} ${score.toFixed(3)}`);
  const line = [rcaCase.id, rcaCase.fault_type, rcaCase.root_cause_service, `rank ${ranks[0]}`, ...best];
  const halves = Array.from({ length: HALVES }, (_, draw) => {
    const inHalf = ({ traceId }: { readonly traceId: string }) => isDrawn(traceId, draw);
    const half = { spans: spans.filter(inHalf), logs: logs.filter(inHalf), baselines: all };
    return rankOf(conclude(prepareDiagnosis(half), CAUSALITY_RULES).ranking, rcaCase.root_cause_service);
  });
  return { rcaCase, ranks, halves, abstained: report!.abstained, line: line.join("  ") };
}

/** Half of all trace ids, another half for each draw. */
function isDrawn(traceId: string, draw: number): boolean {
  return ((Number.parseInt(traceId.slice(draw, draw + 4), 16) >> draw) & 1) === 1;
}

function printHalves(outcomes: readonly Outcome[]): void {
  const systems = [...new Set(outcomes.map(({ rcaCase }) => rcaCase.system))].sort();
  print(`With half of the traces (${HALVES} draws)`, [
    ["system", "AS@1", "AS@3", "AS@5"],
    ...systems.map((system) => {
      const ranks = outcomes.flatMap(({ rcaCase, halves }) => (rcaCase.system === system ? halves : []));
      return [system, ...percents(accuracyAt(ranks))];
    }),
  ]);
}

function printScores(outcomes: readonly Outcome[]): void {
  const groups = new Map<string, number[]>();
  for (const { rcaCase, ranks } of outcomes) {
    for (const name of [rcaCase.system, `  ${rcaCase.system} ${rcaCase.fault_type}`]) {
      groups.set(name, [...(groups.get(name) ?? []), ranks[0]!]);
    }
  }
  const rows = [...groups].sort(([a], [b]) => (a.trim() < b.trim() ? -1 : 1));
  print("Root cause named at rank ≤ 1, ≤ 3, ≤ 5 (%), ties counting against", [
    ["system and fault", "cases", "AS@1", "AS@3", "AS@5"],
    ...rows.map(([name, ranks]) => [name, String(ranks.length), ...percents(accuracyAt(ranks))]),
  ]);
  const missed = outcomes.filter(({ ranks }) => ranks[0] !== 1);
  process.stdout.write(missed.length === 0 ? "No misses.\n" : "Missed:\n");
  for (const { line } of missed) process.stdout.write(`  ${line}\n`);
  const abstained = outcomes.filter((outcome) => outcome.abstained);
  process.stdout.write(`Abstained in ${abstained.length} of ${outcomes.length} cases.\n`);
}

function printVariants(title: string, outcomes: readonly Outcome[], variants: readonly Variant[]): void {
  const systems = [...new Set(outcomes.map(({ rcaCase }) => rcaCase.system))].sort();
  print(title, [
    ["", ...systems.map((system) => `${system} AS@1/3/5`)],
    ...variants.map(({ name }, i) => [
      name,
      ...systems.map((system) => {
        const ranks = outcomes
          .filter(({ rcaCase }) => rcaCase.system === system)
          .map((outcome) => outcome.ranks[i]!);
        return percents(accuracyAt(ranks)).join(" / ");
      }),
    ]),
  ]);
}

function printStability(outcomes: readonly Outcome[], variants: readonly Variant[]): void {
  const from = 1 + ablations().length;
  const changed = variants.flatMap(({ name }, i) => {
    if (i < from) return [];
    const missed = outcomes.filter(({ ranks }) => ranks[i] !== ranks[0]).map(({ rcaCase }) => rcaCase.id);
    return missed.length === 0 ? [] : [`  ${name}: ${missed.join(", ")}`];
  });
  const tried = variants.length - from;
  process.stdout.write(
    `\nEach number of the rules a quarter lower and higher: ${tried} tries, ${changed.length} change a rank.\n`,
  );
  for (const line of changed) process.stdout.write(`${line}\n`);
}

function percents(shares: readonly number[]): string[] {
  return shares.map((share) => share.toFixed(1));
}

function print(title: string, rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => [...row[column]!].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  process.stdout.write(`\n${title}\n${lines.map((line) => `  ${line}\n`).join("")}\n`);
}

await run(process.argv[2] ?? CASES_FOLDER);
