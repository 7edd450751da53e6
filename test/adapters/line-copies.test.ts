import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOtlpClient, type OtlpSource } from "../../src/adapters/otlp-client.ts";
import { systemClock } from "../../src/model/time.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

/** Sends logs of `service`, each `[second, body, came from a line, trace id]`. */
async function send(
  service: string,
  logs: readonly (readonly [second: number, body: string, isLine: boolean, traceId?: string])[],
): Promise<void> {
  const endpoint = () => Promise.resolve(daemon.gasoline.url);
  const client = createOtlpClient({ endpoint, apiKey: "", clock: systemClock });
  const source: OtlpSource = client.source({ "service.name": service });
  const nowS = Math.floor(Date.now() / 1000);
  for (const [second, body, isLine, traceId = TRACE_ID] of logs) {
    const attributes = isLine ? { "log.iostream": "stdout" } : { "sent.over": "otlp" };
    source.log({ time: [nowS + second, 0], severity: 17, body, attributes, traceId });
  }
  await client.close(5_000);
}

async function observed(service: string, what = "logs"): Promise<string[]> {
  return (await daemon.observe({ what, service })).events.map(({ message }) => message);
}

describe("a log that arrives twice, sent and printed", () => {
  it("is told once, by the record that was sent", async () => {
    await send("twice", [
      [0, "paid", true],
      [1, "paid", false],
      [2, "only printed", true],
    ]);
    expect(await observed("twice")).toEqual(["only printed", "paid"]);
    const { events } = await daemon.observe({ what: "logs", service: "twice", text: "paid" });
    expect(JSON.stringify(events)).toContain("sent.over");
    // Both are still held.
    expect(await daemon.logs("twice")).toHaveLength(3);
  });

  it.each<[string, Parameters<typeof send>[1], number]>([
    [
      "more than a second apart",
      [
        [0, "late", true],
        [2, "late", false],
      ],
      2,
    ],
    [
      "in another trace",
      [
        [0, "other", true],
        [0, "other", false, "1".repeat(32)],
      ],
      2,
    ],
    [
      "without a trace",
      [
        [0, "untraced", true, ""],
        [0, "untraced", false, ""],
      ],
      2,
    ],
    [
      "printed twice and sent once",
      [
        [0, "again", true],
        [0, "again", true],
        [0, "again", false],
      ],
      2,
    ],
    [
      "sent twice and printed twice",
      [
        [0, "both", true],
        [0, "both", true],
        [0, "both", false],
        [0, "both", false],
      ],
      2,
    ],
    [
      "sent twice",
      [
        [0, "sent", false],
        [0, "sent", false],
      ],
      2,
    ],
  ])("%s: is not taken for the same", async (name, logs, count) => {
    await send(name, logs);
    expect(await observed(name)).toHaveLength(count);
  });

  it("counts once among errors and once in its trace", async () => {
    const traceId = "2".repeat(32);
    await send("errors", [
      [0, "no card", true, traceId],
      [0, "no card", false, traceId],
    ]);
    const errors = await daemon.observe({ what: "errors", service: "errors" });
    expect(errors.rows.map((row) => row.count)).toEqual([1]);
    const trace = await daemon.run(["show", traceId]);
    expect(String(trace.stdout).match(/no card/g)).toHaveLength(1);
  });

  it("keeps the pages of a listing whole", async () => {
    const bodies = Array.from({ length: 9 }, (_, i) => `page ${i}`);
    await send(
      "pages",
      bodies.flatMap((body, i) => [[i, body, false] as const, [i, body, true] as const]),
    );
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < 20; page++) {
      const more: Record<string, string> = cursor === undefined ? {} : { after_cursor: cursor };
      const answer = await daemon.observe({ what: "logs", service: "pages", limit: "4", ...more });
      seen.push(...answer.events.map(({ message }) => message));
      cursor = answer.metadata.cursor_next;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual([...bodies].reverse());
  });
});

it("reads a program that prints and sends the same log", async () => {
  // The SDK of this project, as a service that logs with pino and exports the same records.
  const program = fileURLToPath(new URL("./prints-and-sends.ts", import.meta.url));
  const { code } = await daemon.run(["run", "--service", "both-ways", "--", process.execPath, program]);
  expect(code).toBe(0);
  expect(await daemon.logs("both-ways")).toHaveLength(2);
  expect(await observed("both-ways")).toEqual(["order placed"]);
});
