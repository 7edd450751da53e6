import { z } from "zod";
import { SUMMARY_VERSION } from "../correlate/baseline.ts";
import { DEPENDENCY_TYPES, type Dependency, mergeDependencies } from "../correlate/dependencies.ts";
import { type EdgeCase, type EdgeCaseMatch, SEVERITIES } from "../correlate/edge-case.ts";
import { CHECKPOINT_VERSION, type CheckpointSummary } from "../correlate/regression-summary.ts";
import { GasolineError } from "../model/errors.ts";
import { SPAN_KINDS } from "../model/span.ts";
import { type NoiseRule, noiseRuleSchema } from "./noise-rule.ts";

/** Version of `dependencies.json`, `edge-cases.json` and `noise-rules.json`; a file without one is read as this. */
const FILE_VERSION = 1;

const count = z.number().min(0);
const kind = z.enum(SPAN_KINDS);
const operation = { service: z.string(), name: z.string(), kind };
const histogram = z.object({ count, sumNs: z.number(), buckets: z.array(z.tuple([z.number(), count])) });
const call = z.object({ name: z.string(), callee: z.string() });
const fact = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("call"), call }),
  z.object({ kind: z.literal("repeat"), call, doublings: count }),
  z.object({ kind: z.literal("sequence"), calls: z.array(call) }),
  z.object({ kind: z.literal("log"), template: z.string() }),
  z.object({ kind: z.literal("next"), template: z.string().nullable(), followedBy: z.string().nullable() }),
  z.object({ kind: z.literal("error") }),
  z.object({ kind: z.literal("exception"), type: z.string() }),
]);
const calls = { calls: z.number().min(1), traces: z.number().min(1) };
const behaviour = z.object({
  version: z.literal(SUMMARY_VERSION),
  startNs: z.string().regex(/^\d+$/),
  endNs: z.string().regex(/^\d+$/),
  traces: count,
  spans: count,
  logs: count,
  operations: z.array(
    z.object({
      ...operation,
      ...calls,
      errors: count,
      heads: count,
      selfNs: histogram,
      totalNs: histogram,
      requestNs: histogram,
    }),
  ),
  edges: z.array(
    z.object({ ...operation, ...calls, callee: z.string(), gapNs: histogram, requestNs: histogram }),
  ),
  places: z.array(
    z.object({
      ...operation,
      ...calls,
      entry: z.string(),
      facts: z.array(z.object({ fact, calls: count })),
    }),
  ),
});

/** A checkpoint's summary as its file holds it. */
export const summarySchema: z.ZodType<CheckpointSummary> = z.object({
  version: z.literal(CHECKPOINT_VERSION),
  behaviour,
  statuses: z.array(z.object({ ...operation, status: z.string(), calls: count })),
  looseLogs: z.array(
    z.object({
      service: z.string(),
      level: z.enum(["info", "warn", "error"]),
      template: z.string(),
      count,
    }),
  ),
  tests: z.array(z.object({ id: z.string(), passed: count, failed: count, skipped: count })),
  drift: z.array(z.object({ ...operation, selfP50Ns: z.array(z.number()), totalP50Ns: z.array(z.number()) })),
});

const name = z.string().min(1).max(300);
const dependency = z.looseObject({
  from: name,
  to: name,
  type: z.enum(DEPENDENCY_TYPES).default("service"),
  // What says nothing was written by hand.
  source: z.enum(["observed", "declared"]).default("declared"),
  last_seen: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "expected a day, 2026-01-31")
    .optional(),
});
const dependenciesFile = z.looseObject({
  version: z.unknown().optional(),
  dependencies: z.array(dependency).max(10_000),
});

/** Reads `dependencies.json`; `undefined` (no file) is an empty list. Throws `bad_parameter` that names `path`. */
export function readDependenciesFile(json: unknown, path: string): Dependency[] {
  if (json === undefined) return [];
  const { dependencies } = read(
    dependenciesFile,
    json,
    path,
    '{"dependencies": [{"from": "web", "to": "orders"}]}',
  );
  return dependencies.map(({ from, to, type, source, last_seen, ...more }) => ({
    from,
    to,
    type,
    source,
    ...(last_seen === undefined ? {} : { last_seen }),
    ...(Object.keys(more).length === 0 ? {} : { more }),
  }));
}

/** The text of `dependencies.json`: sorted, one entry a line. */
export function dependenciesJson(dependencies: readonly Dependency[]): string {
  const lines = mergeDependencies(dependencies, []).map(({ more, ...entry }) =>
    JSON.stringify({ ...entry, ...more }),
  );
  return fileText("dependencies", lines);
}

const text = z.string().min(1).max(500);
const match = z.strictObject({
  service: text.optional(),
  operation: text.optional(),
  status: z
    .union([z.string().regex(/^(?:\d{1,3}|[1-5][xX]{2})$/), z.number().int().min(0).max(599)])
    .transform(String)
    .optional(),
  exception: text.optional(),
  log: text.optional(),
  test: text.optional(),
  attributes: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .optional(),
});
const FREQUENCIES: Readonly<Record<string, number>> = {
  once: Number.POSITIVE_INFINITY,
  hourly: 3_600_000,
  daily: 86_400_000,
  weekly: 7 * 86_400_000,
  monthly: 30 * 86_400_000,
};
const FREQUENCY = /^(?:once|hourly|daily|weekly|monthly|[1-9]\d{0,3}[hdw])$/;

/** One edge case as people write it; also what `register_edge_case` takes. */
export const edgeCaseSchema = z.looseObject({
  name,
  description: z.string().max(2_000).default(""),
  severity: z.enum(SEVERITIES).default("medium"),
  test_frequency: z
    .string()
    .regex(FREQUENCY, "expected once, hourly, daily, weekly, monthly, or a number of h, d or w: 12h")
    .default("weekly"),
  match: match.refine((given) => Object.values(given).some((value) => value !== undefined), {
    message: "expected at least one of service, operation, status, exception, log, test, attributes",
  }),
  last_tested: z.iso.datetime({ offset: true }).nullable().optional(),
});
const edgeCasesFile = z.looseObject({
  version: z.unknown().optional(),
  edge_cases: z.array(edgeCaseSchema).max(1_000),
});

/** An edge case with what people wrote of it that is not understood, kept for writing it back. */
export type FiledEdgeCase = EdgeCase & {
  readonly frequency: string;
  readonly more: { readonly [key: string]: unknown };
};

/** Reads `edge-cases.json`; `undefined` (no file) is an empty list. Throws `bad_parameter` that names `path`. */
export function readEdgeCasesFile(json: unknown, path: string): FiledEdgeCase[] {
  if (json === undefined) return [];
  const { edge_cases } = read(
    edgeCasesFile,
    json,
    path,
    '{"edge_cases": [{"name": "card declined", "match": {"status": "402"}}]}',
  );
  const names = new Set<string>();
  for (const edgeCase of edge_cases) {
    if (names.has(edgeCase.name)) {
      throw new GasolineError(
        "bad_parameter",
        `${path} holds two edge cases named ${JSON.stringify(edgeCase.name)}.`,
        "Give each a name of its own.",
      );
    }
    names.add(edgeCase.name);
  }
  return edge_cases.map(readEdgeCase);
}

/** An edge case from what `edgeCaseSchema` let pass. */
export function readEdgeCase(given: z.output<typeof edgeCaseSchema>): FiledEdgeCase {
  const { name, description, severity, test_frequency, match, last_tested, ...more } = given;
  const [, amount, unit] = /^(\d+)([hdw])$/.exec(test_frequency) ?? [];
  const unitMs = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 }[unit ?? "d"]!;
  const kept = Object.entries(match).filter(([, value]) => value !== undefined);
  return {
    name,
    description,
    severity,
    frequency: test_frequency,
    everyMs: FREQUENCIES[test_frequency] ?? Number(amount) * unitMs,
    match: Object.fromEntries(kept) as EdgeCaseMatch,
    lastTestedMs: typeof last_tested === "string" ? Date.parse(last_tested) : undefined,
    more,
  };
}

/** The text of `edge-cases.json`: in the order given, one entry a line. */
export function edgeCasesJson(edgeCases: readonly FiledEdgeCase[]): string {
  const lines = edgeCases.map(({ frequency, everyMs: _, lastTestedMs, more, ...entry }) =>
    JSON.stringify({
      ...entry,
      test_frequency: frequency,
      last_tested: lastTestedMs === undefined ? null : new Date(lastTestedMs).toISOString(),
      ...more,
    }),
  );
  return fileText("edge_cases", lines);
}

const noiseFile = z.looseObject({
  version: z.unknown().optional(),
  noise_rules: z.array(noiseRuleSchema).max(1_000),
});

/** Reads `noise-rules.json`; `undefined` (no file) is an empty list. Throws `bad_parameter` that names `path`. */
export function readNoiseFile(json: unknown, path: string): NoiseRule[] {
  if (json === undefined) return [];
  return read(noiseFile, json, path, '{"noise_rules": [{"name": "health", "rule": {"url": "/healthz"}}]}')
    .noise_rules;
}

/** The text of `noise-rules.json`: in the order given, one entry a line. */
export function noiseJson(rules: readonly NoiseRule[]): string {
  return fileText(
    "noise_rules",
    rules.map((rule) => JSON.stringify(rule)),
  );
}

function fileText(key: string, lines: readonly string[]): string {
  const list = lines.length === 0 ? "[]" : `[\n    ${lines.join(",\n    ")}\n  ]`;
  return `{\n  "version": ${FILE_VERSION},\n  "${key}": ${list}\n}\n`;
}

function read<T extends z.ZodType<{ readonly version?: unknown }>>(
  schema: T,
  json: unknown,
  path: string,
  example: string,
): z.output<T> {
  const result = schema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const at = issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw new GasolineError("bad_parameter", `${path}${at}: ${issue.message}.`, `Expected ${example}.`);
  }
  const { version } = result.data;
  if (version !== undefined && version !== FILE_VERSION) {
    throw new GasolineError(
      "bad_parameter",
      `${path} has version ${JSON.stringify(version)}; version ${FILE_VERSION} is read.`,
      "Use the version of gasoline that wrote it, or delete the file.",
    );
  }
  return result.data;
}
