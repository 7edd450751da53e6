import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StoredLog } from "../../src/store/telemetry-store.ts";
import {
  type ForeignClient,
  NotInstallable,
  prepare,
  probeTools,
  runHere,
} from "../clients/foreign-client.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const LOGGERS = fileURLToPath(new URL("../clients/loggers/", import.meta.url));
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const SPAN_ID = "b7ad6b7169203331";

/** What is particular to a logger among three statements that all of them write. */
interface Expected {
  /** Names of the program's loggers. */
  readonly name: string;
  /** Bodies of the three records, where they are not the statements themselves. */
  readonly bodies?: readonly [string, string, string];
  readonly severities?: readonly [number, number, number];
  /** False where the format has no place for fields. */
  readonly fields?: boolean;
  /** Type and message of the error; a stack as well unless the logger writes none. */
  readonly exception?: { readonly type?: string; readonly message?: string; readonly stack: boolean };
  readonly code?: string;
}

const PYTHON_ERROR = { type: "KeyError", message: "'card'", stack: true };
const JAVA_ERROR = { type: "java.lang.IllegalStateException", message: "no card", stack: true };
const NODE_ERROR = { type: "TypeError", message: "no card", stack: true };

interface Family extends ForeignClient {
  readonly loggers: readonly Expected[];
}

const FAMILIES: readonly Family[] = [
  {
    name: "node-loggers",
    tools: [],
    files: ["loggers/node-loggers.js"],
    transports: [],
    install: () => Promise.resolve(),
    build: () => Promise.resolve(),
    command: () => [process.execPath, join(LOGGERS, "node-loggers.js")],
    loggers: [
      { name: "pino", exception: NODE_ERROR },
      { name: "bunyan", exception: NODE_ERROR },
      {
        name: "winston-json",
        bodies: ["order placed", "slow query", "no card"],
        exception: NODE_ERROR,
      },
      {
        name: "winston-simple",
        bodies: [
          `order placed {"orderId":7,"span_id":"${SPAN_ID}","trace_flags":"01","trace_id":"${TRACE_ID}"}`,
          "slow query",
          "no card",
        ],
        fields: false,
      },
    ],
  },
  {
    name: "python-loggers",
    tools: [["python3", "--version"]],
    files: ["loggers/requirements.txt"],
    transports: [],
    install: async (folder) => {
      await runHere("python3", ["-m", "venv", join(folder, "venv")]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      await runHere(join(folder, "venv/bin/python"), [...pip, "-r", "loggers/requirements.txt"]);
    },
    build: () => Promise.resolve(),
    command: (folder) => [join(folder, "venv/bin/python"), join(LOGGERS, "python_loggers.py")],
    loggers: [
      {
        name: "logging",
        bodies: [
          `[shop] order placed orderId=7 trace_id=${TRACE_ID} span_id=${SPAN_ID}`,
          "[shop] slow query",
          "[shop] payment failed",
        ],
        fields: false,
        exception: PYTHON_ERROR,
      },
      {
        name: "basic",
        bodies: ["root:order placed", "root:slow query", "root:payment failed"],
        severities: [13, 13, 17],
        exception: PYTHON_ERROR,
      },
      { name: "json-logger", exception: PYTHON_ERROR },
      { name: "structlog", exception: PYTHON_ERROR },
    ],
  },
  {
    name: "go-loggers",
    tools: [["go", "version"]],
    files: ["loggers/go/go.mod", "loggers/go/go.sum", "loggers/go/main.go"],
    transports: [],
    install: () => runHere("go", ["-C", "loggers/go", "mod", "download"]),
    build: (folder) =>
      runHere("go", ["-C", "loggers/go", "build", "-mod=readonly", "-o", join(folder, "loggers"), "."]),
    command: (folder) => [join(folder, "loggers")],
    loggers: [
      { name: "slog-json", exception: { message: "no card", stack: false }, code: "main.go" },
      { name: "slog-text", exception: { message: "no card", stack: false } },
      { name: "zap", exception: { message: "no card", stack: true }, code: "go/main.go" },
      {
        name: "zap-development",
        bodies: [
          "go/main.go:48\torder placed",
          "go/main.go:49\tslow query",
          'go/main.go:50\tpayment failed\t{"error": "no card"}',
        ],
        fields: false,
      },
      { name: "zerolog", exception: { message: "no card", stack: false }, code: "main.go" },
    ],
  },
  {
    name: "java-loggers",
    tools: [
      ["java", "-version"],
      ["javac", "-version"],
      ["mvn", "--version"],
    ],
    files: ["loggers/java/pom.xml", "loggers/java/Loggers.java"],
    transports: [],
    install: (folder) =>
      runHere("mvn", [
        ...["--quiet", "--batch-mode", "--file", "loggers/java/pom.xml", "dependency:copy-dependencies"],
        ...["-DincludeScope=runtime", `-DoutputDirectory=${join(folder, "packages")}`],
      ]),
    build: (folder) =>
      runHere("javac", [
        ...["-encoding", "UTF-8", "-cp", join(folder, "packages/*"), "-d", join(folder, "classes")],
        "loggers/java/Loggers.java",
      ]),
    command: (folder) => [
      ...(["java", "-cp", `${join(folder, "packages/*")}:${join(folder, "classes")}`] as const),
      `-Dloggers.config=${join(LOGGERS, "java")}`,
      "Loggers",
    ],
    loggers: [
      {
        name: "logback",
        bodies: [
          `[main] INFO  com.shop.Pay [trace_id=${TRACE_ID} span_id=${SPAN_ID}] -- order placed`,
          "[main] WARN  com.shop.Pay [trace_id= span_id=] -- slow query",
          "[main] ERROR com.shop.Pay [trace_id= span_id=] -- payment failed",
        ],
        fields: false,
        exception: JAVA_ERROR,
      },
      { name: "logback-json", exception: JAVA_ERROR },
      {
        name: "log4j2",
        bodies: ["[main] Pay - order placed", "[main] Pay - slow query", "[main] Pay - payment failed"],
        fields: false,
        exception: JAVA_ERROR,
      },
      { name: "log4j2-ecs", exception: JAVA_ERROR },
    ],
  },
];

/** Whose format has no place for trace ids either. */
const IDLESS = new Set(["basic", "zap-development", "log4j2"]);

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

for (const family of FAMILIES) {
  const tools = probeTools(family);
  if ("missing" in tools) {
    it.skip(`${family.name} (skipped: no ${tools.missing} on PATH)`, () => undefined);
    continue;
  }

  describe(family.name, () => {
    let folder: string | NotInstallable;
    const outputs = new Map<string, Promise<readonly StoredLog[]>>();

    beforeAll(async () => {
      folder = await prepare(family, tools.versions).catch((error: unknown) => {
        if (error instanceof NotInstallable) return error;
        throw error;
      });
      if (folder instanceof NotInstallable) return;
      const command = family.command(folder);
      for (const { name } of family.loggers) {
        const run = daemon.run(["run", "--service", name, "--", ...command, name], {
          HOME: process.env.HOME,
        });
        outputs.set(
          name,
          run.then(() => daemon.logs(name)),
        );
      }
      await Promise.all(outputs.values());
    }, 240_000);

    it.for(family.loggers)("$name", async (expected, context) => {
      if (folder instanceof NotInstallable) return context.skip(folder.message);
      const logs = await outputs.get(expected.name)!;
      const { bodies = ["order placed", "slow query", "payment failed"] } = expected;
      expect(logs.map((log) => log.body)).toEqual(bodies);
      expect(logs.map((log) => log.severity)).toEqual(expected.severities ?? [9, 13, 17]);
      const [placed, , failed] = logs;
      if (!IDLESS.has(expected.name)) {
        expect(placed).toMatchObject({ traceId: TRACE_ID, spanId: SPAN_ID });
        if (expected.fields !== false) expect(String(placed!.attributes.orderId)).toBe("7");
      }
      for (const log of logs) {
        // Logged now, not read later with the time of reading.
        expect(Number(log.observedNs - log.timeNs) / 1e9).toBeLessThan(60);
        expect(log.observedNs - log.timeNs).toBeGreaterThanOrEqual(0n);
        if (log.body !== log.attributes["log.record.original"]) {
          expect(String(log.attributes["log.record.original"] ?? log.body)).toContain(
            String(log.body).slice(0, 5),
          );
        }
      }
      const { exception, code } = expected;
      if (exception !== undefined) {
        const { attributes } = failed!;
        expect(attributes["exception.message"]).toBe(exception.message);
        if (exception.type !== undefined) expect(attributes["exception.type"]).toBe(exception.type);
        expect(typeof attributes["exception.stacktrace"]).toBe(exception.stack ? "string" : "undefined");
      }
      if (code !== undefined) expect(placed!.attributes["code.file.path"]).toMatch(new RegExp(`${code}$`));
    });
  });
}

it("is what observe shows", async () => {
  const { events } = await daemon.observe({ what: "logs", service: "pino", level: "error" });
  expect(events.map(({ message }) => message)).toEqual(["payment failed"]);
});
