import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestReceiver, type TestReceiver } from "./harness.ts";

/** The real exporters of both lines of the JavaScript SDK, over the one port. */
const LINES = ["0.223", "0.301"];
const PROTOCOLS = ["http", "proto", "grpc"];
/** The API's numbers are one below those of the wire. */
const SPAN_KIND_SERVER = 1;
const COMPRESSIONS = ["none", "gzip"];

interface ExportersOfLine {
  readonly [name: string]: new (options: object) => { shutdown(): Promise<void> };
}

let target: TestReceiver;
beforeAll(async () => {
  target = await startTestReceiver();
});
afterAll(() => target.stop());

for (const line of LINES) {
  const requireOf = createRequire(new URL(`../clients/otel-${line}/package.json`, import.meta.url));
  const load = (name: string) => requireOf(`@opentelemetry/${name}`);
  const { resourceFromAttributes } = load("resources");

  const exporterOf = (signal: string, protocol: string, compression: string) => {
    const exporters: ExportersOfLine = load(`exporter-${signal}-otlp-${protocol}`);
    const Exporter = Object.values(exporters).find((each) => /^OTLP\w+Exporter$/.test(each.name))!;
    const path = { trace: "traces", logs: "logs", metrics: "metrics" }[signal];
    const url = protocol === "grpc" ? target.url : `${target.url}/v1/${path}`;
    const compressionOption = protocol === "grpc" ? (compression === "gzip" ? 2 : 0) : compression;
    return new Exporter({ url, compression: compressionOption });
  };

  describe.each(PROTOCOLS)(`exporters ${line} over %s`, (protocol) => {
    it.each(COMPRESSIONS)("export traces, compression %s", async (compression) => {
      const { TracerProvider, BatchSpanProcessor } = load("sdk-trace");
      const service = `trace-${line}-${protocol}-${compression}`;
      const exporter = exporterOf("trace", protocol, compression);
      const provider = new TracerProvider({
        resource: resourceFromAttributes({ "service.name": service }),
        spanProcessors: [new BatchSpanProcessor({ exporter })],
      });
      const span = provider.getTracer("checkout", "1.2.3").startSpan("GET /cart", {
        kind: SPAN_KIND_SERVER,
        attributes: { "http.response.status_code": 500, "user.name": "Zoë", ratio: 0.25, tags: ["a", "b"] },
      });
      span.addEvent("exception", { "exception.type": "TypeError" });
      span.setStatus({ code: 2, message: "no cart" });
      span.end();
      await provider.forceFlush();
      await provider.shutdown();

      const [stored, ...others] = target.sink.spans.filter((each) => each.resource.service === service);
      expect(others).toEqual([]);
      expect(stored).toMatchObject({
        traceId: span.spanContext().traceId,
        spanId: span.spanContext().spanId,
        name: "GET /cart",
        spanKind: "server",
        statusCode: "error",
        statusMessage: "no cart",
        scope: { name: "checkout", version: "1.2.3" },
        events: [{ name: "exception" }],
      });
      expect({ ...stored!.attributes }).toEqual({
        "http.response.status_code": 500,
        "user.name": "Zoë",
        ratio: 0.25,
        tags: ["a", "b"],
      });
    });

    it.each(COMPRESSIONS)("export logs, compression %s", async (compression) => {
      const { LoggerProvider, BatchLogRecordProcessor } = load("sdk-logs");
      const service = `logs-${line}-${protocol}-${compression}`;
      const exporter = exporterOf("logs", protocol, compression);
      const provider = new LoggerProvider({
        resource: resourceFromAttributes({ "service.name": service }),
        processors: [new BatchLogRecordProcessor({ exporter })],
      });
      provider.getLogger("app").emit({
        severityNumber: 17,
        severityText: "ERROR",
        body: "payment failed",
        eventName: "payment.failed",
        attributes: { amount: 12 },
      });
      await provider.forceFlush();
      await provider.shutdown();

      const stored = target.sink.logs.filter((each) => each.resource.service === service);
      expect(stored).toMatchObject([
        {
          severity: 17,
          severityText: "ERROR",
          body: "payment failed",
          eventName: "payment.failed",
          traceId: "",
        },
      ]);
      expect({ ...stored[0]!.attributes }).toEqual({ amount: 12 });
    });

    it.each(COMPRESSIONS)("export metrics, compression %s", async (compression) => {
      const { MeterProvider, PeriodicExportingMetricReader } = load("sdk-metrics");
      const service = `metrics-${line}-${protocol}-${compression}`;
      const exporter = exporterOf("metrics", protocol, compression);
      const provider = new MeterProvider({
        resource: resourceFromAttributes({ "service.name": service }),
        readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      });
      const meter = provider.getMeter("shop");
      meter.createCounter("orders", { unit: "{order}" }).add(3, { region: "eu" });
      meter.createHistogram("latency", { unit: "ms" }).record(12.5);
      await provider.forceFlush();
      await provider.shutdown();

      const stored = target.sink.points.filter((each) => each.resource.service === service);
      const orders = stored.find((each) => each.name === "orders");
      expect(orders).toMatchObject({
        type: "sum",
        monotonic: true,
        temporality: "cumulative",
        unit: "{order}",
        value: 3,
      });
      expect({ ...orders!.attributes }).toEqual({ region: "eu" });
      expect(stored.find((each) => each.name === "latency")).toMatchObject({
        type: "histogram",
        count: 1,
        sum: 12.5,
      });
    });
  });
}
