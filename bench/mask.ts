import { createMasker, type Masker } from "../src/store/mask.ts";
import { type AttributesSpec, buildSpan } from "../test/support/otlp-build.ts";
import { type BenchRow, median } from "./row.ts";

/** What masking costs a record that is shown: without a secret, with one, with added rules, and a stack trace. */
export async function benchMask(size: "small" | "full"): Promise<readonly BenchRow[]> {
  const records = size === "small" ? 256 : 4_096;
  const rounds = size === "small" ? 3 : 41;
  const plain = spans(records, {});
  const secret = spans(records, { "http.request.header.authorization": "Bearer 0123456789abcdef" });
  const ruled = createMasker();
  ruled.addRule({ kind: "value", pattern: "\\bACME-[A-Z0-9]{16}\\b" });
  ruled.addRule({ kind: "key", key: "app.customer.iban" });
  const target = "≤ 1,500 ns/span";
  const perRecord = (name: string, bytes: readonly Uint8Array[], masker: Masker): BenchRow => ({
    area: "mask",
    name: `${name}, ${bytes[0]!.length} B`,
    value: nanosecondsEach(bytes, rounds, masker),
    unit: "ns/record",
  });
  return [
    { ...perRecord("span of 10 attributes, no secret", plain, createMasker()), target },
    perRecord("span of 11 attributes, one secret", secret, createMasker()),
    perRecord("span of 10 attributes, two added rules", plain, ruled),
    perRecord("span with a stack trace of 40 frames", stackTraces(Math.ceil(records / 8)), createMasker()),
  ];
}

/** Median over the rounds; every round masks fresh copies, since masking changes them. */
function nanosecondsEach(records: readonly Uint8Array[], rounds: number, masker: Masker): number {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const copies = records.map((record) => record.slice());
    const start = performance.now();
    for (const copy of copies) masker.maskRecord("span", copy);
    times.push(((performance.now() - start) * 1e6) / copies.length);
  }
  return median(times);
}

/** Spans as a web service sends them: about 514 bytes, 10 attributes. */
function spans(count: number, more: AttributesSpec): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    buildSpan(
      {
        traceId: (i + 1).toString(16).padStart(32, "a"),
        parentSpanId: (i + 1).toString(16).padStart(16, "b"),
        name: "GET /api/customers/{customerId}/orders",
        kind: "server",
        attributes: {
          "http.request.method": "GET",
          "http.response.status_code": 200,
          "http.route": "/api/customers/{customerId}/orders",
          "url.path": `/api/customers/${10_000 + i}/orders`,
          "server.address": "orders.shop.internal",
          "server.port": 8443,
          "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0",
          "network.protocol.version": "1.1",
          "client.address": "10.20.30.40",
          "app.cart.items_total": 7 + (i % 100),
          ...more,
        },
        status: { code: "ok" },
      },
      i,
    ),
  );
}

function stackTraces(count: number): Uint8Array[] {
  const frames = Array.from(
    { length: 40 },
    (_, i) =>
      `    at Orders.load${i} (/srv/app/node_modules/orders/dist/handlers/load.js:${i + 10}:${i + 3})`,
  );
  const stack = `Error: cannot read order\n${frames.join("\n")}`;
  return Array.from({ length: count }, (_, i) =>
    buildSpan({ events: [{ name: "exception", attributes: { "exception.stacktrace": stack } }] }, i),
  );
}
