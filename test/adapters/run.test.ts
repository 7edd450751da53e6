import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { startGasoline } from "../../src/main.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const WAIT = { timeout: 10_000, interval: 5 };

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

/** Runs a Node program given as text, as service `name`. */
function runNode(name: string, program: string, env: NodeJS.ProcessEnv = {}) {
  return daemon.run(["run", "--service", name, "--", process.execPath, "-e", program], env);
}

const textsOf = async (service: string): Promise<unknown[]> =>
  (await daemon.logs(service)).map((log) => log.body);

describe("gasoline run", () => {
  it("passes output, streams and exit code through, and keeps both streams apart", async () => {
    const ended = await runNode(
      "both",
      'console.log("to out"); console.error("to err"); process.exitCode = 7',
    );
    expect({ ...ended, stdout: String(ended.stdout) }).toEqual({
      code: 7,
      stdout: "to out\n",
      stderr: "to err\n",
    });
    const logs = await daemon.logs("both");
    expect(logs.map(({ body, attributes }) => [body, attributes["log.iostream"]]).sort()).toEqual([
      ["to err", "stderr"],
      ["to out", "stdout"],
    ]);
  });

  it("is one span, a child of the caller's, that names what failed", async () => {
    const traceparent = "00-11111111111111111111111111111111-2222222222222222-01";
    const program = 'console.log(process.env.TRACEPARENT); console.error("no disk"); process.exitCode = 3';
    const { stdout } = await runNode("span", program, { TRACEPARENT: traceparent });
    const [span] = await daemon.spans("span");
    expect(span).toMatchObject({
      traceId: "1".repeat(32),
      parentSpanId: "2".repeat(16),
      statusCode: "error",
      statusMessage: "no disk",
      attributes: { "process.exit.code": 3, "error.type": "exit code 3" },
    });
    expect(String(stdout)).toBe(`00-${"1".repeat(32)}-${span!.spanId}-01\n`);
    expect(span!.endNs).toBeGreaterThan(span!.startNs);
  });

  it("points telemetry here, and leaves alone what is set", async () => {
    const program =
      "const { env } = process; console.log(JSON.stringify(Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('OTEL_')))))";
    const { stdout } = await runNode("env", program, { OTEL_RESOURCE_ATTRIBUTES: "team=shop" });
    expect(JSON.parse(String(stdout))).toEqual({
      OTEL_EXPORTER_OTLP_ENDPOINT: daemon.gasoline.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SERVICE_NAME: "env",
      OTEL_RESOURCE_ATTRIBUTES: "team=shop",
      OTEL_BSP_SCHEDULE_DELAY: "500",
      OTEL_BLRP_SCHEDULE_DELAY: "500",
    });
  });

  it("passes every byte through, also those that are no text", async () => {
    const program = `
      const bytes = Buffer.alloc(300_000, 0).map((_, i) => (i * 7919) % 256);
      process.stdout.write(bytes);
      process.stdout.write("\\ncaf\\u00e9\\n");
      process.stdout.write(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]));
      process.stdout.write("\\u001b[31mred\\u001b[0m\\n");
      process.stdout.write("no newline");
    `;
    const { stdout } = await runNode("bytes", program);
    const expected = Buffer.concat([
      Buffer.alloc(300_000, 0).map((_, i) => (i * 7919) % 256),
      Buffer.from("\ncafé\n"),
      Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]),
      Buffer.from("\u001b[31mred\u001b[0m\nno newline"),
    ]);
    expect(stdout.equals(expected)).toBe(true);
    const texts = await textsOf("bytes");
    expect(texts.slice(-4)).toEqual(["café", "café", "red", "no newline"]);
    expect(texts.some((text) => /^\d+ bytes of binary output$/.test(String(text)))).toBe(true);
  });

  it("keeps the start of a line of 10 MB, and all of the lines around it", async () => {
    const program = 'console.log("before"); console.log("x".repeat(10_000_000)); console.log("after")';
    const { stdout } = await runNode("long", program);
    expect(stdout.length).toBe(10_000_000 + "before\n\nafter\n".length);
    const logs = await daemon.logs("long");
    expect(logs.map((log) => String(log.body).length)).toEqual([6, 262_144, 5]);
    expect(logs[1]!.attributes).toMatchObject({ "gasoline.line.bytes": 10_000_000 });
  });

  it("holds a command back no more than its full pipe does, and loses nothing of it", async () => {
    const program = `for (let i = 0; i < 5_000; i++) console.log(i + " " + "x".repeat(400))`;
    const child = daemon.start(["run", "--service", "full-pipe", "--", process.execPath, "-e", program]);
    // Nobody reads yet: what was captured so far is there all the same.
    await expect.poll(async () => (await textsOf("full-pipe")).length, WAIT).toBeGreaterThan(100);
    expect(child.exitCode).toBeNull();
    let bytes = 0;
    for await (const chunk of child.stdout!) bytes += (chunk as Buffer).length;
    await expect.poll(() => child.exitCode, WAIT).toBe(0);
    expect(bytes).toBe(5_000 * 402 + 10 + 90 * 2 + 900 * 3 + 4_000 * 4);
    expect(await textsOf("full-pipe")).toHaveLength(5_000);
  });

  it("joins a stack to its error, which observe lists", async () => {
    const program = 'console.log("start"); setTimeout(() => { throw new RangeError("too far") })';
    await runNode("stack", program);
    const failed = (await daemon.logs("stack")).find((log) => log.severity >= 17)!;
    expect(failed).toMatchObject({
      body: "RangeError: too far",
      attributes: { "exception.type": "RangeError", "exception.message": "too far" },
    });
    expect(failed.attributes["exception.stacktrace"]).toContain("    at ");
    const errors = await daemon.observe({ what: "errors", service: "stack", format: "text" });
    expect(JSON.stringify(errors)).toContain("RangeError");
  });

  it("hands a command its input", async () => {
    const child = daemon.start(["run", "--service", "input", "--", "cat"]);
    const chunks: Buffer[] = [];
    child.stdout!.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin!.write("typed\n");
    await expect.poll(() => String(Buffer.concat(chunks)), { timeout: 10_000 }).toBe("typed\n");
    // The line is visible while the command runs on.
    await expect.poll(() => textsOf("input"), { timeout: 10_000 }).toEqual(["typed"]);
    child.stdin!.end();
    await new Promise((resolve) => child.once("close", resolve));
    expect(child.exitCode).toBe(0);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
    ["SIGHUP", 129],
    ["SIGUSR2", 140],
  ] as const)("passes %s on and ends as the command does", async (signal, code) => {
    const child = daemon.start(["run", "--service", signal, "--", "sh", "-c", "echo up; exec sleep 60"]);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.kill(signal);
    await new Promise((resolve) => child.once("close", resolve));
    expect(child.exitCode).toBe(code);
    const [span] = await daemon.spans(signal);
    // What the user stopped has not failed.
    expect(span!.statusCode).toBe(signal === "SIGUSR2" ? "error" : "unset");
  });

  it("lets a command handle its signal and choose its exit code", async () => {
    const program =
      'process.on("SIGTERM", () => process.exit(5)); console.log("up"); setInterval(() => {}, 1e6)';
    const child = daemon.start(["run", "--service", "handles", "--", process.execPath, "-e", program]);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.kill("SIGTERM");
    await new Promise((resolve) => child.once("close", resolve));
    expect(child.exitCode).toBe(5);
  });

  it("takes the pipe from a command whose reader has gone, as a shell would", async () => {
    const child = daemon.start([
      "run",
      "--service",
      "broken-pipe",
      "--",
      "sh",
      "-c",
      "trap '' PIPE; yes; echo $? >&2",
    ]);
    await new Promise((resolve) => child.stdout!.once("data", resolve));
    child.stdout!.destroy();
    await new Promise((resolve) => child.once("exit", resolve));
    expect(child.exitCode).toBe(0);
  });

  it.each([
    [["nosuch-program"], 127],
    [["/"], 126],
  ])("says in one sentence that %j cannot be started", async (command, code) => {
    const ended = await daemon.run(["run", "--", ...command]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toMatch(/^gasoline: \S+ could not be started: [^\n]+\.\n$/);
  });

  it("leaves the command's own flags to it, and asks for a command when there is none", async () => {
    expect(String((await daemon.run(["run", "--", "sh", "-c", "echo $1", "sh", "--help"])).stdout)).toBe(
      "--help\n",
    );
    const none = await daemon.run(["run"]);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("run needs a command") });
  });

  it("runs on without a daemon, says so, and counts what was not delivered", async () => {
    const ended = await daemon.run(["run", "--", "sh", "-c", "echo a; echo b; exit 4"], {
      GASOLINE_ENDPOINT: "http://127.0.0.1:1",
    });
    expect({ code: ended.code, stdout: String(ended.stdout) }).toEqual({ code: 4, stdout: "a\nb\n" });
    expect(ended.stderr).toMatch(/no daemon answers yet.*\n.*3 records were not delivered/);
  });

  it("says why a daemon refused what it was sent", async () => {
    const keyed = await startGasoline(
      { ...DEFAULTS, port: 0, aliases: [], apiKey: "right" },
      () => undefined,
    );
    try {
      const ended = await daemon.run(["run", "--", "sh", "-c", "echo a; exit 4"], {
        ...{ GASOLINE_ENDPOINT: keyed.url, GASOLINE_API_KEY: "wrong" },
      });
      expect({ code: ended.code, stdout: String(ended.stdout) }).toEqual({ code: 4, stdout: "a\n" });
      expect(ended.stderr).toMatch(/^gasoline: 2 records were not delivered: .* key .*[^.]\.\n$/);
    } finally {
      await keyed.close();
    }
  });

  it("runs several as children of one span, each with its service", async () => {
    const { code, stdout } = await daemon.run([
      "run",
      "--",
      "echo",
      "one",
      "--",
      "sh",
      "-c",
      "echo two; exit 6",
    ]);
    expect(code).toBe(6);
    expect(String(stdout).split("\n").sort()).toEqual(["", "one", "two"]);
    const [above] = await daemon.spans("gasoline run");
    const [echo] = await daemon.spans("echo");
    expect(echo).toMatchObject({ traceId: above!.traceId, parentSpanId: above!.spanId });
  });

  it("runs the stack that the state folder names", async () => {
    const stateDir = join(daemon.folder, ".gasoline");
    mkdirSync(stateDir, { recursive: true });
    mkdirSync(join(daemon.folder, "api"));
    const services = {
      "stack-api": { command: "pwd; echo $MODE", cwd: "api", env: { MODE: "dev" } },
      "stack-web": { command: ["echo", "web"] },
    };
    writeFileSync(join(stateDir, "stack.json"), JSON.stringify({ services }));
    expect((await daemon.run(["run"])).code).toBe(0);
    expect(await textsOf("stack-api")).toEqual([join(daemon.folder, "api"), "dev"]);
    expect(await textsOf("stack-web")).toEqual(["web"]);
    writeFileSync(join(stateDir, "stack.json"), '{"services": {"api": {"comand": "x"}}}');
    expect((await daemon.run(["run"])).stderr).toMatch(/stack\.json cannot be used: .*comand/);
  });

  it("instruments a Node program without a change to it", async () => {
    const program = `
      const server = require("node:http").createServer((_, response) => response.end("x"));
      server.listen(0, "127.0.0.1", () =>
        fetch("http://127.0.0.1:" + server.address().port + "/cart").then(() => server.close()));
    `;
    const { code, stderr } = await daemon.run([
      ...["run", "--service", "auto", "--auto", "--", "node", "-e", program],
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "gasoline: auto: Node auto-instrumentation on.\n" });
    await expect
      .poll(async () => (await daemon.spans("auto")).map((span) => span.spanKind), { timeout: 10_000 })
      .toContain("server");
  });
});
