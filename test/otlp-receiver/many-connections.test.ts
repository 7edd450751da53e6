import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { afterEach, expect, it } from "vitest";
import { eventually, startTestReceiver, type TestReceiver } from "./harness.ts";

const CONNECTIONS = 10_000;
/** What the process needs besides. */
const DESCRIPTORS_SPARE = 500;

let target: TestReceiver | undefined;
afterEach(() => target?.stop());

/** How many files this process may open; 0 where that cannot be known. */
function descriptorsMax(): number {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

it.skipIf(descriptorsMax() < CONNECTIONS + DESCRIPTORS_SPARE)(
  "takes 10,000 connections at once (skipped below 10,500 file descriptors)",
  async () => {
    target = await startTestReceiver();
    const { receiver, sink } = target;
    const client = fork(
      new URL("./many-connections-client.ts", import.meta.url),
      [String(receiver.port), String(CONNECTIONS)],
      { execArgv: [] },
    );
    const ended = once(client, "exit");
    await once(client, "message");
    await eventually(() => receiver.stats().connectionsOpen === CONNECTIONS);
    client.send("export");
    const [answer] = await once(client, "message");
    expect(answer).toEqual({ taken: CONNECTIONS });
    expect(sink.spans.length).toBe(CONNECTIONS);
    expect(receiver.stats().bytesInFlight).toBe(0);
    await ended;
    await eventually(() => receiver.stats().connectionsOpen === 0);
  },
);
