import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));
const MS = 1_000_000;
const START_NS = 1_700_000_000_000_000_000n;

let folder: string;

function run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [LAUNCHER, "analyze", ...args],
      { cwd: folder, maxBuffer: 1 << 26 },
      (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

/** One request `gateway → payment`, in which the payment's own time is `paymentMs`. */
function request(number: number, paymentMs: number): string {
  const at = (ms: number): string =>
    String(START_NS + BigInt(number) * 1_000_000_000n + BigInt(Math.round(ms * MS)));
  const spans = [
    { service: "gateway", id: 1, parent: 0, name: "GET /pay", kind: 2, from: 0, to: paymentMs + 6 },
    { service: "gateway", id: 2, parent: 1, name: "POST /charge", kind: 3, from: 2, to: paymentMs + 4 },
    { service: "payment", id: 3, parent: 2, name: "charge", kind: 2, from: 3, to: paymentMs + 3 },
  ];
  const resourceSpans = spans.map(({ service, id, parent, name, kind, from, to }) => ({
    resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
    scopeSpans: [
      {
        spans: [
          {
            traceId: hex(number + 1, 32),
            spanId: hex(1000 * (number + 1) + id, 16),
            ...(parent === 0 ? {} : { parentSpanId: hex(1000 * (number + 1) + parent, 16) }),
            name,
            kind,
            startTimeUnixNano: at(from),
            endTimeUnixNano: at(to),
          },
        ],
      },
    ],
  }));
  return JSON.stringify({ resourceSpans });
}

/** Forty requests; durations vary by a few per cent without any randomness. */
function writeWindow(name: string, paymentMs: number, compress: boolean): void {
  const lines = Array.from({ length: 40 }, (_, number) =>
    request(number, paymentMs * (1 + (number % 7) / 100)),
  );
  const text = `${lines.join("\n")}\n`;
  mkdirSync(join(folder, name), { recursive: true });
  if (compress) writeFileSync(join(folder, name, "traces.jsonl.gz"), gzipSync(text));
  else writeFileSync(join(folder, name, "traces.jsonl"), text);
  writeFileSync(join(folder, name, "logs.jsonl"), "");
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gasoline-analyze-"));
  writeWindow("baseline/first", 10, true);
  writeWindow("baseline/second", 10.2, false);
  writeWindow("slow", 90, true);
  writeFileSync(join(folder, "one.json"), request(0, 10));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("gasoline analyze, offline", () => {
  it("names the root cause and ranks every service above 0, best first", async () => {
    const { code, stdout, stderr } = await run([
      "causality",
      "--window",
      "slow",
      "--baseline",
      "baseline",
      "--json",
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as {
      root_cause: { service: string };
      ranking: { service: string; score: number }[];
    };
    expect(answer.root_cause.service).toBe("payment");
    expect(answer.ranking[0]!.service).toBe("payment");
    expect(answer.ranking.every(({ score }) => score > 0)).toBe(true);
    const scores = answer.ranking.map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });

  it("answers alike for causality_chain, for files instead of folders, and for several paths after one flag", async () => {
    const whole = await run(["causality", "--window", "slow", "--baseline", "baseline", "--json"]);
    const paths = ["baseline/first/traces.jsonl.gz", "baseline/second"];
    const parts = await run([
      "causality_chain",
      "--json",
      "--baseline",
      ...paths,
      "--window",
      "slow/traces.jsonl.gz",
      "slow/logs.jsonl",
    ]);
    expect(parts.stdout).toBe(whole.stdout);
  });

  it("abstains on a window like its baseline, and still prints the ranking with exit code 0", async () => {
    const { code, stdout } = await run([
      "causality",
      "--window",
      "baseline/first",
      "--baseline",
      "baseline/second",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ abstained: true, ranking: expect.any(Array) });
  });

  it("fails a script for a regression, and for nothing else that it answers", async () => {
    const files = ["--window", "slow", "--baseline", "baseline", "--json"];
    const regression = await run(["regression", ...files]);
    expect(regression.code).toBe(1);
    expect(JSON.parse(regression.stdout)).toMatchObject({ verdict: "regressed" });
    const same = await run([
      "regression",
      "--window",
      "baseline/first",
      "--baseline",
      "baseline/second",
      "--json",
    ]);
    expect(same.code).toBe(0);
    for (const type of ["causality", "compare", "edge_case_check", "detect_loop", "infer"]) {
      expect((await run([type, ...files])).code, type).toBe(0);
    }
  });

  it("takes its scope as key=value, as it does with a daemon", async () => {
    const { code, stdout } = await run(["impact_analysis", "service=payment", "--window", "slow", "--json"]);
    expect(code).toBe(0);
    expect(stdout).toContain("gateway");
  });

  it("gives the critical path as steps in order of time that sum to the root", async () => {
    const { stdout } = await run(["critical_path", "--window", "one.json", "--json"]);
    const { steps } = JSON.parse(stdout) as { steps: Record<string, string>[] };
    expect(steps.map(({ service, operation }) => `${service} ${operation}`)).toEqual([
      "gateway GET /pay",
      "gateway POST /charge",
      "payment charge",
      "gateway POST /charge",
      "gateway GET /pay",
    ]);
    expect(steps[0]).toEqual({
      trace_id: hex(1, 32),
      span_id: hex(1001, 16),
      service: "gateway",
      operation: "GET /pay",
      start_ns: String(START_NS),
      end_ns: String(START_NS + 2_000_000n),
    });
    const sum = steps.reduce(
      (total, { start_ns, end_ns }) => total + BigInt(end_ns!) - BigInt(start_ns!),
      0n,
    );
    expect(sum).toBe(16_000_000n);
  });

  it("takes one trace of a window by a prefix of its id", async () => {
    const { stdout } = await run(["critical_path", "--window", "slow", "--trace", hex(7, 32), "--json"]);
    const { traces } = JSON.parse(stdout) as { traces: { trace_id: string }[] };
    expect(traces.map(({ trace_id }) => trace_id)).toEqual([hex(7, 32)]);
  });

  it.each([
    [["causality", "--endpoint", "http://127.0.0.1:9"], /No gasoline answers at/],
    [["frobnicate", "--window", "slow"], /"frobnicate" is not an analysis\. Types: causality_chain/],
    [[], /needs a type/],
    [["causality", "slow", "--window", "slow"], /"slow" is not KEY=VALUE/],
    [["impact_analysis", "sevice=x", "--window", "slow"], /"sevice" means nothing for recorded files/],
    [["causality", "--window", "absent"], /"absent"/],
    [["critical_path", "--window", "slow", "--trace", "ffff"], /No trace of the window begins with "ffff"/],
    [["critical_path", "--window", "slow", "--trace", "0000"], /names 40 traces/],
  ])("refuses %j with exit code 2 and a sentence", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stdout).toBe("");
  });
});
