import { buildTracesRequest, type SpanSpec } from "../test/support/otlp-build.ts";

export const SPANS_PER_REQUEST = 512;
const SPANS_PER_TRACE = 8;

const ROUTES = ["/cart", "/checkout", "/product/{id}", "/search", "/login", "/api/recommendations"];
const KINDS = ["server", "client", "internal", "client"] as const;

/** One export request of 512 spans in 64 traces, about ten attributes and 514 bytes a span. `seed` varies the ids. */
export function spanBatch(seed: number): readonly SpanSpec[] {
  const random = mulberry32(seed);
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
  const resource = {
    "service.name": `shop-${seed % 4}`,
    "service.version": "2.4.1",
    "service.instance.id": "0b1cbcde-7b1f-4f0c-9f57-0b8a0b8c1e11",
    "host.name": "dev-laptop",
    "telemetry.sdk.language": "nodejs",
    "telemetry.sdk.name": "opentelemetry",
  };
  const scope = { name: "@opentelemetry/instrumentation-http", version: "0.301.0" };
  const startMs = 1_790_000_000_000n + BigInt(seed) * 1_000n;
  const spans: SpanSpec[] = [];
  let traceId = "";
  let rootId = "";
  for (let i = 0; i < SPANS_PER_REQUEST; i++) {
    const isRoot = i % SPANS_PER_TRACE === 0;
    const spanId = hex(16);
    if (isRoot) {
      traceId = hex(32);
      rootId = spanId;
    }
    const route = ROUTES[Math.floor(random() * ROUTES.length)]!;
    const failed = random() < 0.02;
    const startNs = (startMs + BigInt(i)) * 1_000_000n;
    spans.push({
      resource,
      scope,
      traceId,
      spanId,
      ...(isRoot ? {} : { parentSpanId: rootId }),
      name: `GET ${route}`,
      kind: isRoot ? "server" : KINDS[i % KINDS.length]!,
      startNs,
      endNs: startNs + BigInt(Math.floor(random() * 80_000_000)),
      flags: 0x101,
      attributes: {
        "http.request.method": "GET",
        "http.route": route,
        "url.full": `https://shop.example.com${route.replace("{id}", hex(6))}`,
        "url.scheme": "https",
        "http.response.status_code": failed ? 500 : 200,
        "server.address": "checkout.shop.svc.cluster.local",
        "server.port": 8443,
        "client.address": "192.168.10.24",
        "user_agent.original":
          "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
        "network.protocol.version": "1.1",
      },
      ...(failed ? { status: { code: "error", message: "upstream timed out" } } : {}),
    });
  }
  return spans;
}

/** The batch as OTLP protobuf. */
export function protobufBody(batch: readonly SpanSpec[]): Buffer {
  return Buffer.from(buildTracesRequest(batch));
}

/** The same batch as OTLP JSON, written as the JavaScript exporter writes it. */
export function jsonBody(batch: readonly SpanSpec[]): Buffer {
  const { resource, scope } = batch[0]!;
  const keyValues = (attributes: SpanSpec["attributes"]) =>
    Object.entries(attributes ?? {}).map(([key, value]) => ({
      key,
      value: typeof value === "number" ? { intValue: value } : { stringValue: value },
    }));
  const spans = batch.map((span) => ({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    name: span.name,
    kind: { server: 2, client: 3, internal: 1 }[span.kind as "server" | "client" | "internal"],
    startTimeUnixNano: String(span.startNs),
    endTimeUnixNano: String(span.endNs),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    status: span.status === undefined ? { code: 0 } : { code: 2, message: span.status.message },
    links: [],
    droppedLinksCount: 0,
    flags: span.flags,
  }));
  return Buffer.from(
    JSON.stringify({
      resourceSpans: [{ resource: { attributes: keyValues(resource) }, scopeSpans: [{ scope, spans }] }],
    }),
  );
}

/** A small seeded generator (mulberry32), so that every run and every process makes the same bodies. */
function mulberry32(seed: number): () => number {
  let state = seed + 0x6d2b79f5;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
