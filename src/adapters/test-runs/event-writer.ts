import { openSync, writeSync } from "node:fs";
import type { TestEvent } from "./test-event.ts";
import { RUN_ID_VARIABLE } from "./test-ids.ts";

/** Where a reporter puts what it sees. Neither method throws, whatever happens on the other side. */
export interface TestEvents {
  write(event: TestEvent): void;
  /** Resolves when all is on its way; takes at most two seconds. */
  end(failed: boolean): Promise<void>;
}

/** Names the file that `gasoline test` reads along. */
export const EVENTS_VARIABLE = "GASOLINE_TEST_EVENTS";

/**
 * Under `gasoline test` events are appended to a file that it reads: a write takes microseconds, needs no library in
 * the runner, keeps nothing alive and survives a crash. Elsewhere this process sends them itself.
 */
export function openTestEvents(env: NodeJS.ProcessEnv = process.env): TestEvents {
  const path = env[EVENTS_VARIABLE];
  return path === undefined ? sendHere() : appendTo(path);
}

function appendTo(path: string): TestEvents {
  let file: number | undefined;
  try {
    file = openSync(path, "a");
  } catch {
    // The reader has gone, and with it whoever would miss the events.
  }
  return {
    write: (event) => {
      if (file === undefined) return;
      try {
        writeSync(file, `${JSON.stringify(event)}\n`);
      } catch {
        // A full disk, or a value that JSON cannot hold: the run matters more than its record.
        file = undefined;
      }
    },
    end: () => Promise.resolve(),
  };
}

/** The client is loaded while the tests already run; what they say meanwhile waits. */
function sendHere(): TestEvents {
  const runId = crypto.randomUUID();
  process.env[RUN_ID_VARIABLE] = runId;
  const waiting: TestEvent[] = [];
  const opened = import("./direct-run.ts").then(({ openDirectRun }) => openDirectRun(runId));
  let write = (event: TestEvent): void => void waiting.push(event);
  opened.then(
    (run) => {
      for (const event of waiting.splice(0)) run.write(event);
      write = run.write;
    },
    () => {
      write = () => undefined;
    },
  );
  return {
    write: (event) => write(event),
    end: async (failed) => {
      const run = await opened.catch(() => undefined);
      await run?.end(failed);
    },
  };
}
