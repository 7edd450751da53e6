import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPackage, LAUNCHER_FLAGS, stopped } from "./built-package.ts";
import { type BenchRow, median } from "./row.ts";

/** From spawning the built package to its first accepted span, beside a bare Node that only starts. */
export async function benchStart(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const rounds = size === "small" ? 1 : 15;
  const folder = mkdtempSync(join(tmpdir(), "gasoline-start-"));
  try {
    const entry = buildPackage();
    const bare: number[] = [];
    const ours: number[] = [];
    for (let round = 0; round < rounds; round++) {
      bare.push(await timeBareNode());
      ours.push(await timeFirstSpan(entry, join(folder, String(round))));
    }
    const value = median(ours);
    return [
      {
        area: "start",
        name: "spawn → first accepted span, built package",
        value,
        unit: "ms",
        target: "< 150 ms",
        baseline: "node -e 0",
        ratio: value / median(bare),
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timeBareNode(): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, ["-e", "0"], { stdio: "ignore" });
  await new Promise((resolve) => child.once("exit", resolve));
  return performance.now() - start;
}

async function timeFirstSpan(entry: string, stateDir: string): Promise<number> {
  // A port that was free a moment ago: the child must be told one before it runs, so that no time goes into asking.
  const port = await freePort();
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [...LAUNCHER_FLAGS, entry, "serve", "--port", String(port), "--state-dir", stateDir],
    { stdio: "ignore" },
  );
  try {
    while (child.exitCode === null) {
      if (await sendSpan(port)) return performance.now() - start;
    }
    throw new Error(`the built package ended with ${child.exitCode} before it took a span`);
  } finally {
    await stopped(child);
  }
}

const SPAN = JSON.stringify({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            {
              traceId: "5b8efff798038103d269b633813fc60c",
              spanId: "eee19b7ec3c1b174",
              name: "first",
              startTimeUnixNano: "1",
              endTimeUnixNano: "2",
            },
          ],
        },
      ],
    },
  ],
});

/** One request over a fresh socket; false when nobody listens yet. */
function sendSpan(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    // A pause, or asking would take the processor from who is to answer.
    socket.once("error", () => setTimeout(resolve, 2, false));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString("latin1").startsWith("HTTP/1.1 200"));
    });
    socket.write(
      `POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${SPAN.length}\r\n\r\n${SPAN}`,
    );
  });
}

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
