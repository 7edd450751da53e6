import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { openCommandSpan } from "../adapters/command-span.ts";
import { projectName } from "../adapters/project-name.ts";
import { readJunit } from "../adapters/test-runs/junit.ts";
import { countsSentence, recordTestRun } from "../adapters/test-runs/run-recorder.ts";
import { readTap } from "../adapters/test-runs/tap.ts";
import type { TestEvent } from "../adapters/test-runs/test-event.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, closeClient } from "./adapter-client.ts";
import type { Arguments, Terminal } from "./command.ts";

/** Reports of test runners, by the kind that `gasoline import KIND FILE` knows them by. */
const REPORTS = { junit: readJunit, tap: readTap };

/**
 * Sends the tests of a report as one run, each with a trace of its own, and returns how many there were of each result.
 * Throws GasolineError when the file cannot be read or is no such report.
 */
export async function importTestReport(
  kind: keyof typeof REPORTS,
  path: string,
  args: Arguments,
  terminal: Terminal,
): Promise<string> {
  const read: (text: string, startMs: number) => readonly TestEvent[] = REPORTS[kind];
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new GasolineError(
      "not_found",
      `${path} cannot be read: ${String(error)}.`,
      "Give the path of a report.",
    );
  }
  const nowMs = systemClock.nowMs();
  const events = read(text, nowMs);
  const { client } = await adapterClient(args, terminal);
  const service = terminal.env.OTEL_SERVICE_NAME ?? projectName(process.cwd());
  const [startMs, endMs] = extentOf(events, nowMs);
  const recorder = recordTestRun({
    source: client.source({ "service.name": service }),
    runId: randomUUID(),
    span: openCommandSpan(terminal.env.TRACEPARENT),
    startMs,
    attributes: { "test.suite.name": service, "gasoline.test.runner": kind },
  });
  for (const event of events) recorder.accept(event);
  const failed = events.some((event) => event.kind === "error");
  const counts = recorder.end({ timeMs: endMs, failed, aborted: false, attributes: {} });
  await closeClient(client, terminal);
  return `Took ${path}: ${countsSentence(counts)}. \`gasoline observe tests\` tells of each.`;
}

/** From the first start to the last end. */
function extentOf(events: readonly TestEvent[], nowMs: number): [startMs: number, endMs: number] {
  let [startMs, endMs] = [Number.POSITIVE_INFINITY, 0];
  for (const event of events) {
    if (event.kind !== "finished") continue;
    startMs = Math.min(startMs, event.startMs);
    endMs = Math.max(endMs, event.startMs + event.durationMs);
  }
  return endMs === 0 ? [nowMs, nowMs] : [startMs, endMs];
}
