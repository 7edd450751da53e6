import { readTestRuns } from "./code-tests.ts";
import { observeEvents } from "./events.ts";
import { changesSinceGreen } from "./git-since-green.ts";
import { changesLine, changesRow } from "./git-since-green-row.ts";
import { GIT } from "./record-modes.ts";
import { count, isoTime } from "./render/units.ts";
import { callText, type Draft, type Question } from "./reply.ts";
import type { GreenRun } from "./tests-runs.ts";

/**
 * What git told, and what changed since the last test run that passed: the files, by revision and hash, and how many
 * git events came after it, which the first call that leads on asks for. Nothing is added where the question names a
 * time itself.
 */
export async function observeGit(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const draft = await observeEvents(question, GIT);
  const { since, id, trace_id } = query.filter;
  if (since !== undefined || id !== undefined || trace_id !== undefined) return draft;
  const changes = await changesSinceGreen(store, await context.source?.(), await readTestRuns(store));
  const { told, next } =
    changes.green === undefined ? { told: "", next: [] } : await eventsSince(question, changes.green);
  return {
    rowsMax: draft.rowsMax,
    build: (rows, detail) => {
      const body = draft.build(rows, detail);
      return {
        ...body,
        summary: `${body.summary}${told}`,
        rows: [...(body.rows ?? []), changesRow(changes, detail)],
        lines: [...body.lines, changesLine(changes, detail)],
        metadata: next.length === 0 ? body.metadata : { ...body.metadata, next },
      };
    },
  };
}

async function eventsSince(
  { store }: Question,
  green: GreenRun,
): Promise<{ readonly told: string; readonly next: readonly string[] }> {
  const filter = { streams: GIT.base!.streams!, sinceNs: green.startNs };
  const { total } = await store.records({ filter, order: "newest", limit: 1 });
  const since = isoTime(green.startNs);
  return {
    told: ` ${count(total, GIT.noun)} since the last test run that passed (${green.id}, ${since}).`,
    next: total === 0 ? [] : [callText("git", { since })],
  };
}
