import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseTestEvent, type TestEvent } from "./test-event.ts";

/** A file that reporters append events to, read along. */
export interface EventFile {
  readonly path: string;
  /** Reads the rest and removes the file. */
  close(): void;
}

const POLL_MS = 50;
const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/** Makes the file in a folder of its own that nobody else may read, and calls `onEvent` for each line of it. */
export function followEventFile(onEvent: (event: TestEvent) => void): EventFile {
  const folder = mkdtempSync(join(tmpdir(), "gasoline-test-"));
  const path = join(folder, "events.ndjson");
  writeFileSync(path, "", { mode: 0o600 });
  const file = openSync(path, "r");
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest = Buffer.alloc(0);

  function readOn(): void {
    for (let count = readSync(file, chunk); count > 0; count = readSync(file, chunk)) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, count)]);
      const end = bytes.lastIndexOf(NEWLINE) + 1;
      rest = bytes.subarray(end);
      for (const line of bytes.toString("utf8", 0, end).split("\n")) {
        const event = parseTestEvent(line);
        if (event !== undefined) onEvent(event);
      }
    }
  }

  const timer = setInterval(readOn, POLL_MS);
  return {
    path,
    close: () => {
      clearInterval(timer);
      readOn();
      closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
