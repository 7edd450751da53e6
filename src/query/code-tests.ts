import { type TestRun, testRunOf } from "../correlate/test-case.ts";
import type { RelatedTest } from "../enrich/related-tests.ts";
import { stringAttribute } from "../model/attributes.ts";
import type { RecordFilter, StoredLog, StoredSpan, TelemetryStore } from "../store/telemetry-store.ts";

/** The test runs that are held, as far as code is asked about. */
export interface TestRuns {
  /** By trace: the test that ran in it. */
  readonly byTrace: ReadonlyMap<string, TestRun>;
  readonly lastGreen: GreenRun | undefined;
  /** Why there is no green run, when there is none. */
  readonly why: string | undefined;
}

/** The newest run of tests of which none failed. */
export interface GreenRun {
  readonly endNs: bigint;
  /** The commit that was checked out; `undefined` when the run did not say. */
  readonly revision: string | undefined;
  readonly tests: number;
}

const TEST_SPANS_MAX = 3_000;
const NEIGHBOURS_MAX = 500;
const TESTS_MAX = 5;

const TESTS: RecordFilter = {
  streams: ["tests"],
  kinds: ["span"],
  attributes: [{ keys: ["test.case.name"], match: { op: "exists" } }],
};

/** Reads the newest 3,000 test spans. A run is what one process of one service ran at one commit. */
export async function readTestRuns(store: TelemetryStore): Promise<TestRuns> {
  const { records } = await store.records({ filter: TESTS, order: "newest", limit: TEST_SPANS_MAX });
  const byTrace = new Map<string, TestRun>();
  const runs = new Map<
    string,
    { passed: number; others: number; endNs: bigint; revision: string | undefined }
  >();
  for (const record of records) {
    const test = record.kind === "span" ? testRunOf(record) : undefined;
    if (record.kind !== "span" || test === undefined) continue;
    if (!byTrace.has(record.traceId)) byTrace.set(record.traceId, test);
    const revision = said(record, "vcs.ref.head.revision");
    const process = said(record, "service.instance.id") ?? said(record, "process.pid") ?? "";
    const key = [record.resource.service, process, revision].join("\n");
    const run = runs.get(key) ?? { passed: 0, others: 0, endNs: 0n, revision };
    if (test.result === "pass") run.passed += 1;
    else if (test.result !== "skip") run.others += 1;
    if (record.endNs > run.endNs) run.endNs = record.endNs;
    runs.set(key, run);
  }
  const green = [...runs.values()]
    .filter(({ passed, others }) => passed > 0 && others === 0)
    .reduce<{ passed: number; endNs: bigint; revision: string | undefined } | undefined>(
      (newest, run) => (newest === undefined || run.endNs > newest.endNs ? run : newest),
      undefined,
    );
  return {
    byTrace,
    lastGreen:
      green === undefined ? undefined : { endNs: green.endNs, revision: green.revision, tests: green.passed },
    why:
      green !== undefined
        ? undefined
        : runs.size === 0
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
