import { stringAttribute } from "../model/attributes.ts";
import type { RecordFilter, StoredSpan, TelemetryStore } from "../store/telemetry-store.ts";

/** A run of a whole test suite, as its span tells it. */
export interface SuiteRun {
  /** Of the span's newest record. */
  readonly id: string;
  readonly service: string;
  readonly startNs: bigint;
  /** 0n: no end was told. */
  readonly endNs: bigint;
  /** `unfinished`: no end was told, and another run of the service has begun since. */
  readonly status: "success" | "failure" | "aborted" | "in_progress" | "unfinished";
  /** The commit that was checked out; `undefined` when the run did not say. */
  readonly revision: string | undefined;
  /** Of all that differed from that commit; `""` when nothing did. */
  readonly diffHash: string;
  readonly passed: number;
  readonly failed: number;
  readonly flaky: number;
  readonly skipped: number;
}

/** The newest run of tests of which none failed. */
export interface GreenRun extends Pick<SuiteRun, "id" | "startNs" | "endNs" | "revision" | "diffHash"> {
  /** How many passed. */
  readonly tests: number;
}

const RUNS_READ_MAX = 500;

const RUNS: RecordFilter = {
  kinds: ["span"],
  streams: ["tests"],
  attributes: [{ keys: ["test.suite.run.status"], match: { op: "exists" } }],
};

/** The newest runs that are held, newest first; of one service when it is named. */
export async function readSuiteRuns(store: TelemetryStore, service?: string): Promise<readonly SuiteRun[]> {
  const filter = service === undefined ? RUNS : { ...RUNS, service };
  const { records } = await store.records({ filter, order: "newest", limit: RUNS_READ_MAX });
  // A run is sent when it begins and again when it has ended: the one with an end tells more.
  const bySpan = new Map<string, StoredSpan>();
  for (const record of records) {
    if (record.kind !== "span") continue;
    const known = bySpan.get(record.spanId);
    if (known === undefined || known.endNs === 0n) bySpan.set(record.spanId, record);
  }
  const begunSince = new Set<string>();
  return [...bySpan.values()].map((span) => {
    const { service: name } = span.resource;
    const run = suiteRun(span, begunSince.has(name));
    begunSince.add(name);
    return run;
  });
}

/** The newest run that passed; a change during it may be untested. */
export function lastGreen(runs: readonly SuiteRun[]): GreenRun | undefined {
  const run = runs.find(({ status }) => status === "success");
  return run === undefined ? undefined : { ...run, tests: run.passed };
}

function suiteRun(span: StoredSpan, hasSuccessor: boolean): SuiteRun {
  const { attributes } = span;
  const counted = (name: string): number => {
    const value = attributes[name];
    return typeof value === "number" ? value : 0;
  };
  return {
    id: span.id,
    service: span.resource.service,
    startNs: span.startNs,
    endNs: span.endNs,
    status: statusOf(span, hasSuccessor),
    revision: stringAttribute(attributes, "vcs.ref.head.revision"),
    diffHash: stringAttribute(attributes, "gasoline.vcs.diff_hash") ?? "",
    passed: counted("gasoline.test.passed"),
    failed: counted("gasoline.test.failed"),
    flaky: counted("gasoline.test.flaky_count"),
    skipped: counted("gasoline.test.skipped"),
  };
}

function statusOf(span: StoredSpan, hasSuccessor: boolean): SuiteRun["status"] {
  if (span.endNs === 0n) return hasSuccessor ? "unfinished" : "in_progress";
  const said = stringAttribute(span.attributes, "test.suite.run.status");
  return said === "success" || said === "aborted" ? said : "failure";
}

export function maxNs(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
