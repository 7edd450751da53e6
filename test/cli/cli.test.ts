import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildTracesRequest } from "../support/otlp-build.ts";

const LAUNCHER = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
let daemon: ChildProcess;
let url: string;

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { PATH: process.env.PATH, ...env } };
    execFile(process.execPath, [LAUNCHER, ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr }),
    );
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gasoline-cli-"));
  daemon = spawn(process.execPath, [LAUNCHER, "serve", "--port", "0"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const screen = await new Promise<string>((resolve) => {
    let text = "";
    daemon.stdout!.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("Ctrl-C")) resolve(text);
    });
  });
  url = /listening on (\S+)/.exec(screen)![1]!;
  const response = await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.from(buildTracesRequest([{ traceId: TRACE_ID, name: "GET /cart" }])),
  });
  expect(response.status).toBe(200);
});

afterAll(async () => {
  const ended = new Promise((resolve) => daemon.once("exit", resolve));
  daemon.kill("SIGTERM");
  expect(await ended).toBe(0);
  expect(existsSync(join(folder, ".gasoline/daemon.json"))).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});

describe("gasoline", () => {
  it("says in the state folder what runs", () => {
    const file: unknown = JSON.parse(readFileSync(join(folder, ".gasoline/daemon.json"), "utf8"));
    expect(file).toEqual({ url, pid: daemon.pid, version: "0.1.0" });
  });

  it("shows a trace by the first digits of its id, found through the state folder", async () => {
    const { code, stdout } = await run(["show", TRACE_ID.slice(0, 8)]);
    expect(code).toBe(0);
    expect(stdout).toContain("GET /cart");
  });

  it("shows a trace as one JSON document", async () => {
    const { stdout } = await run(["show", TRACE_ID, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ trace_id: TRACE_ID });
  });

  it("observes as text and as JSON", async () => {
    expect((await run(["observe", "traces"])).stdout).toContain(TRACE_ID.slice(0, 8));
    const { stdout } = await run(["observe", "timeline", "name=cart", "--limit", "5", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ metadata: { total_count: 1 } });
  });

  it.each([
    [["show"], /show needs a trace id/],
    [["show", "11111111"], /11111111/],
    [["observe"], /needs to know what/],
    [["observe", "trces"], /traces/],
    [["observe", "logs", "level"], /is not KEY=VALUE/],
    [["observe", "logs", "servce=x"], /service/],
    [["observe", "traces", "--limt", "5"], /--limt/],
    [["frobnicate"], /not a command of gasoline\. Commands: serve/],
    [["serve", "--port", "x"], /Port "x"/],
    [["serve", "--host", "0.0.0.0"], /GASOLINE_API_KEY/],
    [["doctor", "--endpoint", "http://127.0.0.1:1"], undefined],
  ])("answers %j with exit code 2 and a sentence", async (args, message) => {
    const { code, stdout, stderr } = await run(args);
    if (message === undefined) {
      expect(code).toBe(1);
      expect(stdout).toContain("No gasoline answers at http://127.0.0.1:1");
    } else {
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
      expect(stderr).not.toContain("    at ");
    }
  });

  it("doctor says what arrived and where the environment points", async () => {
    const here = await run(["doctor"], { OTEL_EXPORTER_OTLP_ENDPOINT: url });
    expect(here.code).toBe(0);
    expect(here.stdout).toContain("received: 1 of traces");
    expect(here.stdout).toContain("gRPC and HTTP are both answered");
    const elsewhere = await run(["doctor", "--json"], { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:1" });
    expect(elsewhere.code).toBe(1);
    expect(JSON.parse(elsewhere.stdout)).toMatchObject({ healthy: false, url });
  });

  it("refuses a port that is taken, with the remedy", async () => {
    const { code, stderr } = await run(["serve", "--port", new URL(url).port, "--state-dir", "other"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--port/);
  });

  it("prints help and version", async () => {
    expect((await run(["--version"])).stdout).toBe("0.1.0\n");
    const { stdout } = await run(["--help"]);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name!);
    const { stderr } = await run(["absent"]);
    const known = /Commands: (.*)\./.exec(stderr)![1]!.split(", ");
    expect(listed.toSorted()).toEqual(known.toSorted());
    const helps = await Promise.all(listed.map((name) => run([name, "--help"])));
    for (const [i, help] of helps.entries()) {
      expect(help.stdout).toMatch(new RegExp(`^gasoline ${listed[i]}\\b`));
      // Each option says what it does.
      expect(help.stdout).not.toMatch(/^ {2}--\S+(?: [A-Z]+)? *$/m);
    }
  });

  it("speaks MCP over stdio to the running daemon", async () => {
    const client = new Client({ name: "test", version: "0" });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [LAUNCHER, "mcp"],
      cwd: folder,
    });
    await client.connect(transport);
    const { tools } = await client.listTools();
    expect(tools.map((tool) => tool.name)).toContain("observe");
    const reply = await client.callTool({
      name: "observe",
      arguments: { what: "trace", filter: { trace_id: TRACE_ID } },
    });
    expect(JSON.stringify(reply.content)).toContain("GET /cart");
    await client.close();
  });
});
