import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import type { StoredLog, StoredSpan } from "../../src/store/telemetry-store.ts";
import { type ForeignProgram, NotInstallable, prepare, probeTools, runHere } from "./foreign-client.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const SNIPPETS = "../../sdk-snippets";

/** A snippet, how it is made ready, and what its own framework calls the spans of the two routes. */
interface Snippet extends ForeignProgram {
  readonly environment: NodeJS.ProcessEnv;
  readonly orderSpan: string;
  readonly failSpan: string;
}

const SERVICES: readonly Snippet[] = [
  {
    name: "node",
    tools: [],
    files: [`${SNIPPETS}/node/package.json`],
    // A workspace of this project: `npm ci` has installed it.
    install: () => Promise.resolve(),
    build: () => Promise.resolve(),
    command: () => [
      process.execPath,
      ...["--import", fileURLToPath(new URL(`${SNIPPETS}/node/telemetry.js`, import.meta.url))],
      `${SNIPPETS}/node/app.js`,
    ],
    environment: {},
    orderSpan: "GET",
    failSpan: "GET",
  },
  {
    name: "python",
    tools: [["python3", "--version"]],
    files: [`${SNIPPETS}/python/requirements.txt`],
    install: async (folder) => {
      await runHere("python3", ["-m", "venv", join(folder, "venv")]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
      const requirements = ["--requirement", `${SNIPPETS}/python/requirements.txt`];
      await runHere(join(folder, "venv/bin/python"), [...pip, ...requirements]);
    },
    build: () => Promise.resolve(),
    // Through the module: the scripts beside it name the folder that the environment was made in.
    command: (folder) => [
      join(folder, "venv/bin/python"),
      ...["-c", "from opentelemetry.instrumentation.auto_instrumentation import run; run()"],
      join(folder, "venv/bin/python"),
      `${SNIPPETS}/python/app.py`,
    ],
    environment: {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_SEMCONV_STABILITY_OPT_IN: "http",
    },
    orderSpan: "GET /orders/<order_id>",
    failSpan: "GET /fail",
  },
  {
    name: "go",
    tools: [["go", "version"]],
    files: ["go.mod", "go.sum", "main.go"].map((file) => `${SNIPPETS}/go/${file}`),
    install: () => runHere("go", ["-C", `${SNIPPETS}/go`, "mod", "download"]),
    build: (folder) =>
      runHere("go", [
        "-C",
        `${SNIPPETS}/go`,
        ...["build", "-mod=readonly", "-o", join(folder, "orders"), "."],
      ]),
    command: (folder) => [join(folder, "orders")],
    environment: {},
    orderSpan: "GET /orders/{id}",
    failSpan: "GET /fail",
  },
  {
    name: "java",
    tools: [
      ["java", "-version"],
      ["javac", "-version"],
      ["mvn", "--version"],
    ],
    files: ["pom.xml", "Orders.java"].map((file) => `${SNIPPETS}/java/${file}`),
    install: (folder) =>
      runHere("mvn", [
        ...["--quiet", "--batch-mode", "--file", `${SNIPPETS}/java/pom.xml`, "dependency:copy-dependencies"],
        ...["-DincludeScope=runtime", "-Dmdep.stripVersion=true", `-DoutputDirectory=${join(folder, "lib")}`],
      ]),
    build: (folder) =>
      runHere("javac", ["-cp", join(folder, "lib/*"), "-d", folder, `${SNIPPETS}/java/Orders.java`]),
    command: (folder) => [
      "java",
      `-javaagent:${join(folder, "lib/opentelemetry-javaagent.jar")}`,
      ...["-cp", `${join(folder, "lib/*")}:${folder}`, "Orders"],
    ],
    environment: {},
    orderSpan: "GET /orders/",
    failSpan: "GET /fail",
  },
];

/** The caller's trace: the snippets must go on with it. */
const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;

const COLD_MS = 300_000;
/** The Java agent alone takes seconds to start on a busy machine. */
const START_MS = 60_000;

let gasoline: Gasoline;
const children: ChildProcess[] = [];
const started = new Map<string, Promise<undefined | NotInstallable>>();
const probed = SERVICES.map((snippet) => ({ snippet, tools: probeTools(snippet) }));

/** Starts a snippet on a port of its own and calls both of its routes. */
async function run(snippet: Snippet, versions: string): Promise<undefined | NotInstallable> {
  const folder = await prepare(snippet, versions).catch((error: unknown) => {
    if (error instanceof NotInstallable) return error;
    throw error;
  });
  if (folder instanceof NotInstallable) return folder;
  const [command, ...args] = snippet.command(folder);
  const child = spawn(command, args, {
    cwd: here,
    env: {
      ...process.env,
      ...snippet.environment,
      OTEL_SERVICE_NAME: serviceOf(snippet),
      OTEL_EXPORTER_OTLP_ENDPOINT: gasoline.url,
      OTEL_METRICS_EXPORTER: "none",
      OTEL_BSP_SCHEDULE_DELAY: "200",
      OTEL_BLRP_SCHEDULE_DELAY: "200",
      PORT: "0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const port = await listening(child);
  const headers = { traceparent: TRACEPARENT };
  await fetch(`http://127.0.0.1:${port}/orders/42`, { headers }).then((response) => response.text());
  await fetch(`http://127.0.0.1:${port}/fail`, { headers }).then((response) => response.text());
  return undefined;
}

/** The port that a snippet says it listens on; rejects with its output when it ends before. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on("line", (line) => {
        output += `${line}\n`;
        // Flask says it in its own words: the port is only known once it is bound.
        const port = /^listening on ([1-9]\d*)$/.exec(line)?.[1] ?? /Running on .*:(\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(port);
      });
    }
    child.once("exit", (code) => reject(new Error(`The snippet ended with code ${code}:\n${output}`)));
    child.once("error", reject);
  });
}

function serviceOf(snippet: Snippet): string {
  return `orders-${snippet.name}`;
}

beforeAll(async () => {
  gasoline = await startGasoline({ ...DEFAULTS, port: 0, aliases: [] }, () => undefined);
  for (const { snippet, tools } of probed) {
    if ("versions" in tools) started.set(snippet.name, run(snippet, tools.versions));
  }
  await Promise.allSettled(started.values());
}, COLD_MS);

afterAll(async () => {
  await Promise.all(
    children.map((child) => {
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      return ended;
    }),
  );
  await gasoline.close();
});

for (const { snippet, tools } of probed) {
  const title = `the ${snippet.name} snippet`;
  if ("missing" in tools) {
    it.skip(`${title} (skipped: no ${tools.missing} on PATH)`, () => undefined);
    continue;
  }

  describe(title, () => {
    /** The snippet's records once as many as are expected are there. */
    async function recordsOf(context: TestContext): Promise<{ spans: StoredSpan[]; logs: StoredLog[] }> {
      const outcome = await started.get(snippet.name);
      if (outcome instanceof NotInstallable) context.skip(outcome.message);
      return await vi.waitFor(
        async () => {
          const filter = { service: serviceOf(snippet) };
          const { records } = await gasoline.store.records({ filter, order: "oldest", limit: 100 });
          const spans = records.filter((record) => record.kind === "span");
          const logs = records.filter((record) => record.kind === "log");
          expect(spans.length).toBeGreaterThanOrEqual(3);
          expect(logs.some(({ body }) => body === "order 42 loaded")).toBe(true);
          return { spans, logs };
        },
        { timeout: 15_000, interval: 50 },
      );
    }

    it(
      "goes on with the caller's trace: a server span, and below it its own",
      async (context) => {
        const { spans } = await recordsOf(context);
        const request = spans.find(
          ({ name, spanKind }) => spanKind === "server" && name === snippet.orderSpan,
        );
        expect(request, `spans: ${spans.map(({ name }) => name).join(", ")}`).toBeDefined();
        expect(request!).toMatchObject({ traceId: TRACE_ID, parentSpanId: PARENT_ID });
        expect(request!.attributes).toMatchObject({
          "http.request.method": "GET",
          "http.response.status_code": 200,
        });
        const load = spans.find(({ name }) => name === "load order");
        expect(load).toMatchObject({
          traceId: TRACE_ID,
          parentSpanId: request!.spanId,
          spanKind: "internal",
        });
        expect(load!.attributes).toMatchObject({ "order.id": "42" });
      },
      START_MS,
    );

    it("puts its log line on the span that wrote it", async (context) => {
      const { spans, logs } = await recordsOf(context);
      const load = spans.find(({ name }) => name === "load order")!;
      const line = logs.find(({ body }) => body === "order 42 loaded");
      expect(line).toMatchObject({ traceId: TRACE_ID, spanId: load.spanId, severity: 9 });
    });

    it("fails with status, exception and stack", async (context) => {
      const { spans } = await recordsOf(context);
      const failed = spans.find(
        ({ name, spanKind, statusCode }) =>
          spanKind === "server" && name === snippet.failSpan && statusCode === "error",
      );
      expect(failed?.attributes).toMatchObject({ "http.response.status_code": 500 });
      const exception = failed!.events.find(({ name }) => name === "exception");
      expect(exception?.attributes["exception.message"]).toBe("the warehouse is closed");
    });
  });
}
