import type { StoredSpan, TelemetryStore } from "../store/telemetry-store.ts";
import { observeEvents } from "./events.ts";
import { GIT } from "./record-modes.ts";
import { count, isoTime } from "./render/units.ts";
import { callText, type Draft, type Question } from "./reply.ts";

/**
 * What git told, and what of it came after the last test run that passed: counted in the summary, and asked for by
 * the first call that leads on. Nothing is added where no run passed, or the question names a time itself.
 */
export async function observeGit(question: Question): Promise<Draft> {
  const draft = await observeEvents(question, GIT);
  if (question.query.filter.since !== undefined) return draft;
  const run = await lastGreenRun(question.store);
  if (run === undefined) return draft;
  const since = isoTime(run.startNs);
  const filter = { streams: GIT.base!.streams!, sinceNs: run.startNs };
  const { total } = await question.store.records({ filter, order: "newest", limit: 1 });
  const told = `${count(total, GIT.noun)} since the last test run that passed (${run.id}, ${since}).`;
  const call = callText("git", { since });
  return {
    rowsMax: draft.rowsMax,
    build: (rows, detail) => {
      const body = draft.build(rows, detail);
      const next = total === 0 ? [] : [call];
      return {
        ...body,
        summary: `${body.summary} ${told}`,
        metadata: { ...body.metadata, next: [...next, ...(body.metadata.next ?? [])] },
      };
    },
  };
}

/** The newest span of a whole run whose runner said that it succeeded; a change during it may be untested. */
async function lastGreenRun(store: TelemetryStore): Promise<StoredSpan | undefined> {
  const status = { keys: ["test.suite.run.status"], match: { op: "equals", value: "success" } } as const;
  const { records } = await store.records({
    filter: { kinds: ["span"], streams: ["tests"], attributes: [status] },
    order: "newest",
    limit: 1,
  });
  const [run] = records;
  return run?.kind === "span" ? run : undefined;
}
