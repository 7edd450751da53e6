import { type TestRun, testRunOf } from "../correlate/test-case.ts";
import type { RelatedTest } from "../enrich/related-tests.ts";
import { stringAttribute } from "../model/attributes.ts";
import type { RecordFilter, StoredLog, StoredSpan, TelemetryStore } from "../store/telemetry-store.ts";
import { type GreenRun, lastGreen, maxNs, readSuiteRuns } from "./tests-runs.ts";

/** The test runs that are held, as far as code is asked about. */
export interface TestRuns {
  /** By trace: the test that ran in it. */
  readonly byTrace: ReadonlyMap<string, TestRun>;
  readonly lastGreen: GreenRun | undefined;
  /** Why there is no green run, when there is none. */
  readonly why: string | undefined;
}

const TEST_SPANS_MAX = 3_000;
const NEIGHBOURS_MAX = 500;
const TESTS_MAX = 5;

const TESTS: RecordFilter = {
  streams: ["tests"],
  kinds: ["span"],
  attributes: [{ keys: ["test.case.name"], match: { op: "exists" } }],
};

/**
 * Reads the newest 3,000 test spans. Where no runner tells of its run as a whole, a run is what one process of one
 * service ran at one commit.
 */
export async function readTestRuns(store: TelemetryStore): Promise<TestRuns> {
  const { records } = await store.records({ filter: TESTS, order: "newest", limit: TEST_SPANS_MAX });
  const byTrace = new Map<string, TestRun>();
  const runs = new Map<string, GreenRun & { readonly others: number }>();
  for (const record of records) {
    const test = record.kind === "span" ? testRunOf(record) : undefined;
    if (record.kind !== "span" || test === undefined) continue;
    if (!byTrace.has(record.traceId)) byTrace.set(record.traceId, test);
    const revision = said(record, "vcs.ref.head.revision");
    const process = said(record, "service.instance.id") ?? said(record, "process.pid") ?? "";
    const key = [record.resource.service, process, revision].join("\n");
    const run = runs.get(key) ?? { ...record, revision, diffHash: "", tests: 0, others: 0 };
    const { result } = test;
    runs.set(key, {
      ...run,
      // The newest are read first.
      startNs: record.startNs,
      endNs: maxNs(record.endNs, run.endNs),
      tests: run.tests + (result === "pass" ? 1 : 0),
      others: run.others + (result === "pass" || result === "skip" ? 0 : 1),
    });
  }
  const suites = await readSuiteRuns(store);
  const green =
    suites.length > 0
      ? lastGreen(suites)
      : [...runs.values()]
          .filter(({ tests, others }) => tests > 0 && others === 0)
          .reduce<GreenRun | undefined>(
            (newest, run) => (newest === undefined || run.endNs > newest.endNs ? run : newest),
            undefined,
          );
  if (green !== undefined) return { byTrace, lastGreen: green, why: undefined };
  return {
    byTrace,
    lastGreen: undefined,
    why:
      suites.length + runs.size === 0
        ? "no test run is held; run the tests through `gasoline test -- CMD`"
        : "no test run that is held passed",
  };
}

/**
 * Tests that were seen to run the code of a record, the surest first: the test in whose trace it lies (1), tests whose
 * traces name the same file (0.9), tests whose traces ran the same operation (0.6). At most five.
 */
export async function testsByTrace(
  store: TelemetryStore,
  { byTrace }: TestRuns,
  sample: StoredSpan | StoredLog,
  path: string | undefined,
): Promise<RelatedTest[]> {
  if (byTrace.size === 0) return [];
  const tests = new Map<string, RelatedTest>();
  const add = (traceId: string, confidence: number): void => {
    const test = byTrace.get(traceId);
    if (test !== undefined && !tests.has(test.id))
      tests.set(test.id, { test: test.id, method: "trace", confidence });
  };
  const addAll = async (filter: RecordFilter, confidence: number): Promise<void> => {
    const page = await store.records({ filter, order: "newest", limit: NEIGHBOURS_MAX });
    for (const record of page.records) if (record.kind === "span") add(record.traceId, confidence);
  };
  add(sample.traceId, 1);
  if (path !== undefined) {
    const file = {
      keys: ["code.file.path", "code.filepath"],
      match: { op: "contains", value: path },
    } as const;
    await addAll({ kinds: ["span"], attributes: [file] }, 0.9);
  }
  if (sample.kind === "span") {
    await addAll({ kinds: ["span"], service: sample.resource.service, name: sample.name }, 0.6);
  }
  return [...tests.values()].slice(0, TESTS_MAX);
}

function said(span: StoredSpan, key: string): string | undefined {
  const value = span.attributes[key] ?? span.resource.attributes[key];
  return typeof value === "number" ? String(value) : stringAttribute({ [key]: value ?? null }, key);
}
