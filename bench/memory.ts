import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../src/config.ts";
import type { Stream } from "../src/model/stream.ts";
import {
  buildLogsRequest,
  buildMetricsRequest,
  buildTracesRequest,
  type LogSpec,
  type SpanSpec,
} from "../test/support/otlp-build.ts";
import { buildPackage, LAUNCHER_FLAGS, residentBytes, stopped } from "./built-package.ts";
import type { BenchRow } from "./row.ts";

const MIB = 1024 * 1024;
const REQUEST_RECORDS = 512;
const TEXT = "x".repeat(300);

/** What each ring is filled with; names and services differ from request to request, eight records a trace. */
const FILLS: readonly {
  readonly stream: Stream;
  readonly signal: "traces" | "logs";
  readonly record: SpanSpec & LogSpec;
}[] = [
  { stream: "browser.logs", signal: "logs", record: { eventName: "browser.console", body: TEXT } },
  {
    stream: "browser.network",
    signal: "traces",
    record: { name: "GET", kind: "client", attributes: { "browser.page": TEXT } },
  },
  {
    stream: "browser.dom",
    signal: "logs",
    record: { eventName: "gasoline.browser.dom_snapshot", body: TEXT.repeat(10) },
  },
  { stream: "backend.logs", signal: "logs", record: { eventName: "request", body: TEXT } },
  {
    stream: "tests",
    signal: "traces",
    record: { name: "test.case", attributes: { "test.case.name": TEXT } },
  },
  { stream: "git", signal: "logs", record: { eventName: "gasoline.git.commit", body: TEXT.repeat(3) } },
  { stream: "custom", signal: "logs", record: { eventName: "gasoline.custom", body: TEXT } },
  {
    stream: "backend.spans",
    signal: "traces",
    record: { name: "operation", attributes: { text: TEXT, number: 1 } },
  },
];

/** Resident memory of the built daemon, as its launcher starts it, with every ring full and after some questions. */
export async function benchMemory(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const entry = buildPackage();
  const stateDir = mkdtempSync(join(tmpdir(), "gasoline-memory-"));
  const child = spawn(
    process.execPath,
    [...LAUNCHER_FLAGS, entry, "serve", "--port", "0", "--state-dir", stateDir],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    const url = await new Promise<string>((resolve) => {
      let screen = "";
      child.stdout.on("data", (chunk: Buffer) => {
        screen += chunk.toString();
        const found = /listening on (\S+)/.exec(screen)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    await ask(url, 1);
    const idle = residentBytes(child.pid!);
    await fill(url, size === "small" ? 0.02 : 1);
    await ask(url, 20);
    const full = residentBytes(child.pid!);
    return [
      { area: "memory", name: "built daemon, idle", value: idle / MIB, unit: "MiB RSS" },
      {
        area: "memory",
        name: "built daemon, every ring full at defaults, after 80 questions",
        value: full / MIB,
        unit: "MiB RSS",
        target: "< 200 MB",
        baseline: "idle",
        ratio: full / idle,
      },
    ];
  } finally {
    await stopped(child);
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function fill(url: string, share: number): Promise<void> {
  let count = 0;
  for (const { stream, signal, record } of FILLS) {
    const wanted = share * (DEFAULTS.store.streams[stream].recordsMax + 2 * REQUEST_RECORDS);
    for (let sent = 0; sent < wanted; sent += REQUEST_RECORDS) {
      const resource = { "service.name": `service-${count % 500}` };
      const records = Array.from({ length: REQUEST_RECORDS }, () => {
        count++;
        return {
          ...record,
          resource,
          traceId: (1 + (count >> 3)).toString(16).padStart(32, "0"),
          spanId: count.toString(16).padStart(16, "0"),
          ...(record.name === undefined ? {} : { name: `${record.name} ${count % 2_000}` }),
        };
      });
      await post(url, signal, signal === "traces" ? buildTracesRequest(records) : buildLogsRequest(records));
    }
  }
  const points = Array.from({ length: 512 }, (_, series) => ({ value: series, attributes: { series } }));
  for (let round = 0; round < 40 * share; round++) {
    await post(url, "metrics", buildMetricsRequest([{ name: `load.${round % 8}`, gauge: points }]));
  }
}

async function post(url: string, signal: string, body: Uint8Array): Promise<void> {
  const headers = { "content-type": "application/x-protobuf" };
  const response = await fetch(`${url}/v1/${signal}`, { method: "POST", headers, body: Buffer.from(body) });
  if (response.status !== 200) throw new Error(`${signal}: ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

async function ask(url: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    for (const what of ["timeline", "traces", "logs", "errors"]) {
      await (await fetch(`${url}/api/observe?what=${what}&limit=50`)).arrayBuffer();
    }
  }
}
