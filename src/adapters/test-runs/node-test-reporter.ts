import { relative, resolve } from "node:path";
import { openTestEvents } from "./event-writer.ts";
import { failureOf } from "./failure.ts";
import type { TestReference } from "./test-event.ts";
import { testKey } from "./test-ids.ts";

/** What is read of node:test's events (Node 18 and later). */
interface NodeTestEvent {
  readonly type: string;
  readonly data: {
    readonly name: string;
    readonly nesting: number;
    readonly file?: string;
    readonly line?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly message?: string;
    readonly details?: {
      readonly duration_ms?: number;
      readonly type?: string;
      readonly attempt?: number;
      readonly error?: Error;
    };
  };
}

/**
 * Reporter for node:test: `node --test --test-reporter=gasoline360/node-test --test-reporter-destination=stdout`,
 * beside another. It prints nothing.
 */
// biome-ignore lint/correctness/useYield: node:test takes generators, and this one has nothing to print.
export default async function* gasolineReporter(source: AsyncIterable<NodeTestEvent>): AsyncGenerator<never> {
  const events = openTestEvents();
  events.write({ kind: "runner", name: "node:test", version: process.versions.node });
  let failed = false;
  // Per file the names from the outside in: a test's events name its depth, not its parents.
  const paths = new Map<string, string[]>();
  const complaints = new Map<string, string>();
  for await (const { type, data } of source) {
    // Output names the file as it was given, results by its absolute path.
    const file = data.file === undefined ? "" : resolve(data.file);
    if (type === "test:start") pathAt(paths, file, data.nesting, data.name);
    else if (type === "test:pass" || type === "test:fail") {
      failed ||= type === "test:fail" && data.todo === undefined;
      const names = [...pathAt(paths, file, data.nesting, data.name)];
      if (data.details?.type === "suite") continue;
      // A file without tests, or one that could not be loaded, is reported as a test of its own.
      if (data.nesting === 0 && file !== "" && file.endsWith(data.name)) {
        if (type === "test:fail") {
          const failure = { ...failureOf(data.details?.error), ...complaintIn(complaints.get(file) ?? "") };
          events.write({ kind: "error", failure, timeMs: Date.now(), file });
        }
        continue;
      }
      const durationMs = data.details?.duration_ms ?? 0;
      const skipped = data.skip !== undefined || (data.todo !== undefined && type === "test:fail");
      const reason = data.skip ?? data.todo;
      events.write({
        kind: "finished",
        ...referenceOf(data, names),
        status: skipped ? "skip" : type === "test:pass" ? "pass" : "fail",
        startMs: Date.now() - durationMs,
        durationMs,
        failures: type === "test:fail" && !skipped ? [failureOf(data.details?.error)] : [],
        ...(typeof reason === "string" ? { reason } : {}),
      });
    } else if (type === "test:stdout" || type === "test:stderr") {
      const stream = type === "test:stdout" ? "stdout" : "stderr";
      const text = data.message ?? "";
      if (stream === "stderr")
        complaints.set(file, `${complaints.get(file) ?? ""}${text}`.slice(-COMPLAINT_CHARACTERS));
      if (text.trim() !== "") events.write({ kind: "output", stream, text, timeMs: Date.now(), file });
    }
  }
  await events.end(failed);
}

const COMPLAINT_CHARACTERS = 4_000;

/** The error in what Node printed about a file: `TypeError: …`; nothing when there is none. */
function complaintIn(text: string): { type?: string; message?: string } {
  const found = /^(?:Uncaught )?(\w*Error)(?: \[\w+\])?: (.*)$/m.exec(text);
  return found === null ? {} : { type: found[1]!, message: found[2]! };
}

/** The names down to one at `nesting`, which becomes `name`. */
function pathAt(
  paths: Map<string, string[]>,
  file: string,
  nesting: number,
  name: string,
): readonly string[] {
  const path = [...(paths.get(file) ?? []).slice(0, nesting), name];
  paths.set(file, path);
  return path;
}

function referenceOf(data: NodeTestEvent["data"], names: readonly string[]): TestReference {
  const { file = "", line, details } = data;
  return {
    key: testKey(file, names),
    suite: [relative(process.cwd(), file), ...names.slice(0, -1)].join(" > "),
    name: data.name,
    attempt: details?.attempt ?? 0,
    file,
    ...(line === undefined ? {} : { line }),
  };
}
