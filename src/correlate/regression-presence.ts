import { operationKey } from "./baseline.ts";
import { counted, percentText } from "./finding.ts";
import type { Change } from "./regression-change.ts";
import { type CheckpointSummary, looseLogKey, type TestCount } from "./regression-summary.ts";
import type { Operation } from "./window.ts";

const NAMES_SHOWN = 5;
const NEW_FAILURES_MIN = 2;
const NEW_FAILURE_SHARE_MIN = 0.1;

/** Where the window shows what is told here. */
export interface PresenceView {
  readonly operation: (operation: Operation) => readonly number[];
  readonly failing: (operation: Operation) => readonly number[];
  readonly test: (id: string, failed: boolean) => readonly number[];
}

/**
 * What only one side has: operations and log statements outside traces, new and gone; and tests whose result changed.
 * An operation that is gone is no fault by itself, since nobody may have asked for it (what a caller no longer calls is
 * told of the caller). A new one that fails is.
 */
export function presenceChanges(
  before: CheckpointSummary,
  after: CheckpointSummary,
  view: PresenceView,
): Change[] {
  return [
    ...operationChanges(before, after, view),
    ...looseLogChanges(before, after),
    ...testChanges(before.tests, after.tests, view),
  ];
}

const UNTESTED = { p: 1, large: true, plain: true, rank: 0 } as const;

function operationChanges(before: CheckpointSummary, after: CheckpointSummary, view: PresenceView): Change[] {
  const then = before.behaviour.operations;
  const now = after.behaviour.operations;
  const traces = { before: before.behaviour.traces, after: after.behaviour.traces };
  const only = <O extends Operation>(these: readonly O[], others: readonly Operation[]) => {
    const known = new Set(others.map(operationKey));
    return these.filter((operation) => !known.has(operationKey(operation)));
  };
  const added = only(now, then);
  const changes: Change[] = [];
  for (const operation of added) {
    const { service, name, kind, errors, calls } = operation;
    if (errors === 0) continue;
    changes.push({
      ...UNTESTED,
      aspect: "errors",
      direction: "worse",
      subject: { service, operation: name, kind },
      text: `${service} ${name} is new and fails in ${percentText(errors / calls)} of its calls.`,
      before: 0,
      after: errors / calls,
      unit: "share",
      plain: errors === calls || (errors >= NEW_FAILURES_MIN && errors / calls >= NEW_FAILURE_SHARE_MIN),
      traces: { before: 0, after: operation.traces },
      evidence: view.failing(operation),
    });
  }
  for (const [words, list] of [
    ["new", added],
    ["not seen in the window", only(then, now)],
  ] as const) {
    for (const [service, operations] of Map.groupBy(list, (operation) => operation.service)) {
      const names = operations.map(({ name }) => name);
      const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : "";
      const isNew = words === "new";
      changes.push({
        ...UNTESTED,
        aspect: "presence",
        direction: "neutral",
        subject: { service, operation: "", kind: "unspecified" },
        text: `${service}: ${counted(names.length, "operation")} ${words}: ${names.slice(0, NAMES_SHOWN).join(", ")}${more}.`,
        before: isNew ? 0 : names.length,
        after: isNew ? names.length : 0,
        unit: "calls",
        traces,
        evidence: isNew ? operations.slice(0, 1).flatMap(view.operation) : [],
      });
    }
  }
  return changes;
}

function looseLogChanges(before: CheckpointSummary, after: CheckpointSummary): Change[] {
  const known = new Set(before.looseLogs.map(looseLogKey));
  return after.looseLogs.flatMap((log): Change[] => {
    if (known.has(looseLogKey(log))) return [];
    return [
      {
        ...UNTESTED,
        aspect: "logs",
        direction: log.level === "error" ? "worse" : "neutral",
        subject: { service: log.service, operation: "", kind: "unspecified" },
        text: `${log.service} logs "${log.template}" (${log.level}, ${counted(log.count, "time")}), which it did not before.`,
        before: 0,
        after: log.count,
        unit: "calls",
        plain: log.count >= NEW_FAILURES_MIN,
        traces: { before: before.behaviour.traces, after: after.behaviour.traces },
        evidence: [],
      },
    ];
  });
}

/** A test that passed and now fails counts at once: it is its author's own claim. */
function testChanges(
  before: readonly TestCount[],
  after: readonly TestCount[],
  view: PresenceView,
): Change[] {
  const earlier = new Map(before.map((test) => [test.id, test]));
  return after.flatMap((now): Change[] => {
    const then = earlier.get(now.id);
    const failsNow = now.failed / (now.passed + now.failed || 1);
    const failedThen = then === undefined ? 0 : then.failed / (then.passed + then.failed || 1);
    if (failsNow === failedThen) return [];
    const ran = (test: TestCount | undefined) =>
      test === undefined ? "did not run" : `failed ${test.failed} of ${test.passed + test.failed}`;
    return [
      {
        ...UNTESTED,
        aspect: "tests",
        direction: failsNow > failedThen ? "worse" : "better",
        subject: { service: "", operation: now.id, kind: "unspecified" },
        text: `Test ${now.id} ${ran(now)} runs; in the baseline it ${ran(then)}${then === undefined ? "" : " runs"}.`,
        before: failedThen,
        after: failsNow,
        unit: "share",
        traces: {
          before: then === undefined ? 0 : then.passed + then.failed,
          after: now.passed + now.failed,
        },
        evidence: view.test(now.id, failsNow > failedThen),
      },
    ];
  });
}
