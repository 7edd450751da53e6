import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { systemClock } from "../../src/model/time.ts";
import { type Receiver, startReceiver } from "../../src/otlp-receiver/listener.ts";
import { createRingStore } from "../../src/store/ring/ring-store.ts";
import type { StoredRecord, TelemetryStore } from "../../src/store/telemetry-store.ts";
import { type ForeignClient, NotInstallable, prepare, probeTools, runHere, send } from "./foreign-client.ts";
import { logAsSent, parseSent, pointAsSent, type Sent, spanAsSent } from "./sent.ts";

/**
 * Exporters of other languages against the one port. Each client is installed, built and run once, all at the same
 * time; the tests compare what the store holds with what the client printed.
 */
const CLIENTS: readonly ForeignClient[] = [
  {
    name: "python",
    tools: [["python3", "--version"]],
    files: ["python/requirements.txt"],
    transports: ["http", "grpc"],
    install: async (folder) => {
      await runHere("python3", ["-m", "venv", join(folder, "venv")]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
      await runHere(join(folder, "venv/bin/python"), [...pip, "--requirement", "python/requirements.txt"]);
    },
    build: () => Promise.resolve(),
    command: (folder) => [join(folder, "venv/bin/python"), "python/send.py"],
  },
  {
    name: "go",
    tools: [["go", "version"]],
    files: ["go/go.mod", "go/go.sum", "go/main.go"],
    transports: ["http", "grpc"],
    install: () => runHere("go", ["-C", "go", "mod", "download"]),
    build: (folder) => runHere("go", ["-C", "go", "build", "-mod=readonly", "-o", join(folder, "send"), "."]),
    command: (folder) => [join(folder, "send")],
  },
  {
    name: "java",
    tools: [
      ["java", "-version"],
      ["javac", "-version"],
      ["mvn", "--version"],
    ],
    files: ["java/pom.xml", "java/Send.java"],
    transports: ["http-okhttp", "http-jdk", "grpc-okhttp", "grpc-netty"],
    install: (folder) =>
      runHere("mvn", [
        ...["--quiet", "--batch-mode", "--file", "java/pom.xml", "dependency:copy-dependencies"],
        ...["-DincludeScope=runtime", `-DoutputDirectory=${join(folder, "packages")}`],
      ]),
    build: (folder) =>
      runHere("javac", [
        ...["-encoding", "UTF-8", "-cp", join(folder, "packages/*"), "-d", join(folder, "classes")],
        "java/Send.java",
      ]),
    command: (folder) => ["java", "-cp", `${join(folder, "packages/*")}:${join(folder, "classes")}`, "Send"],
  },
];

const COLD_MS = 300_000;
const COMPRESSIONS = ["none", "gzip"];

/** A client's run: the store it sent to, and what it printed. */
interface Run {
  readonly store: TelemetryStore;
  readonly receiver: Receiver;
  readonly sent: readonly Sent[];
}

async function runClient(client: ForeignClient, versions: string): Promise<Run | NotInstallable> {
  const folder = await prepare(client, versions).catch((error: unknown) => {
    if (error instanceof NotInstallable) return error;
    throw error;
  });
  if (folder instanceof NotInstallable) {
    console.warn(`skipped: ${folder.message}`);
    return folder;
  }
  const store = createRingStore({ limits: DEFAULTS.store, clock: systemClock, random: Math.random });
  const receiver = await startReceiver({
    host: "127.0.0.1",
    port: 0,
    aliases: [],
    limits: DEFAULTS.receiver,
    sink: store,
    guard: () => undefined,
    fallback: (_request, response) => response.writeHead(404).end(),
    warn: (message) => console.warn(message),
  });
  const sent = parseSent(await send(client, folder, `http://127.0.0.1:${receiver.port}`));
  return { store, receiver, sent };
}

const runs = new Map<string, Promise<Run | NotInstallable>>();
const probed = CLIENTS.map((client) => ({ client, tools: probeTools(client) }));

// All at once, and each client's own tests wait for it alone.
beforeAll(() => {
  for (const { client, tools } of probed) {
    if ("versions" in tools) runs.set(client.name, runClient(client, tools.versions));
  }
  return Promise.allSettled(runs.values());
}, COLD_MS);

afterAll(async () => {
  for (const started of await Promise.allSettled(runs.values())) {
    if (started.status === "rejected" || started.value instanceof NotInstallable) continue;
    await started.value.receiver.close();
    await started.value.store.close();
  }
});

/** The client's run; ends the test as skipped, with the reason, when its packages cannot be installed. */
async function runOf(client: ForeignClient, context: TestContext): Promise<Run> {
  const run = await runs.get(client.name)!;
  if (run instanceof NotInstallable) return context.skip(run.message);
  return run;
}

async function recordsOf(store: TelemetryStore, service: string): Promise<readonly StoredRecord[]> {
  const page = await store.records({ filter: { service }, order: "oldest", limit: 1_000 });
  return page.records;
}

for (const { client, tools } of probed) {
  if ("missing" in tools) {
    it.skip(`${client.name} exporters (skipped: no ${tools.missing} on PATH)`, () => undefined);
    continue;
  }

  describe(`${client.name} exporters`, () => {
    const services = client.transports.flatMap((transport) =>
      COMPRESSIONS.map((compression) => `${client.name}-${transport}-${compression}`),
    );

    it("send through every exporter", async (context) => {
      const { sent } = await runOf(client, context);
      expect(sent.map(({ service }) => service)).toEqual(services);
    });

    it.for(services)("%s: spans arrive as they were sent", async (service, context) => {
      const { store, sent } = await runOf(client, context);
      const records = await recordsOf(store, service);
      const spans = records.filter((record) => record.kind === "span");
      const expected = sent.find((each) => each.service === service)!.spans;
      expect(spans).toHaveLength(expected.length);
      for (const span of expected) {
        expect(spans.map(spanAsSent).find(({ spanId }) => spanId === span.spanId)).toEqual(span);
      }
      for (const { scope, resource } of spans) {
        expect(scope).toMatchObject({ name: "checkout", version: "1.2.3" });
        expect(resource.attributes).toMatchObject({ "service.name": service, "service.version": "4.5.6" });
      }
    });

    it.for(services)("%s: logs arrive as they were sent", async (service, context) => {
      const { store, sent } = await runOf(client, context);
      const records = await recordsOf(store, service);
      const logs = records.filter((record) => record.kind === "log");
      expect(logs.map(logAsSent)).toEqual(sent.find((each) => each.service === service)!.logs);
    });

    it.for(services)("%s: metrics arrive as they were sent", async (service, context) => {
      const { store, sent } = await runOf(client, context);
      const records = await recordsOf(store, service);
      // The Java SDK also measures itself.
      const points = records
        .filter((record) => record.kind === "metric")
        .filter(({ name }) => !name.startsWith("otel.sdk."));
      const expected = sent.find((each) => each.service === service)!.metrics;
      // A flush and the end of the provider each export: cumulative points come twice.
      expect(new Set(points.map(({ name }) => name))).toEqual(new Set(expected.map(({ name }) => name)));
      for (const point of points) {
        expect(pointAsSent(point)).toEqual(expected.find(({ name }) => name === point.name));
        expect(point.timeNs).toBeGreaterThan(0n);
      }
    });

    it("are refused nothing, and what they compress is smaller on the way", async (context) => {
      const { receiver } = await runOf(client, context);
      const stats = receiver.stats();
      expect(stats).toMatchObject({ refused: {}, aborted: 0, partialSuccesses: 0, connectionsRefused: 0 });
      expect(stats.bytesReceived).toBeLessThan(stats.bytesDecoded);
    });
  });
}
