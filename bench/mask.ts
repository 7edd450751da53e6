import { createMasker, type Masker } from "../src/store/mask.ts";
import { attributes, fixed64, message, sub, uint, type Value } from "../test/store/otlp-bytes.ts";
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
    perRecord("log with a stack trace of 40 frames", logs(Math.ceil(records / 8)), createMasker()),
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

/** Spans as a web service sends them: 514 bytes, 10 attributes. */
function spans(count: number, more: { readonly [key: string]: Value }): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    message(
      sub(1, Buffer.alloc(16, i + 1)),
      sub(2, Buffer.alloc(8, i + 1)),
      sub(4, Buffer.alloc(8, i + 2)),
      sub(5, "GET /api/customers/{customerId}/orders"),
      uint(6, 2),
      fixed64(7, 1_790_000_000_000_000_000n + BigInt(i)),
      fixed64(8, 1_790_000_000_003_000_000n + BigInt(i)),
      attributes(9, {
        "http.request.method": "GET",
        "http.response.status_code": 200n,
        "http.route": "/api/customers/{customerId}/orders",
        "url.path": `/api/customers/${10_000 + i}/orders`,
        "server.address": "orders.shop.internal",
        "server.port": 8443n,
        "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0",
        "network.protocol.version": "1.1",
        "client.address": "10.20.30.40",
        "app.cart.items_total": 7n + BigInt(i % 100),
        ...more,
      }),
      sub(15, uint(3, 1)),
    ),
  );
}

function logs(count: number): Uint8Array[] {
  const frames = Array.from(
    { length: 40 },
    (_, i) =>
      `    at Orders.load${i} (/srv/app/node_modules/orders/dist/handlers/load.js:${i + 10}:${i + 3})`,
  );
  const stack = `Error: cannot read order\n${frames.join("\n")}`;
  return Array.from({ length: count }, () => message(attributes(9, { "exception.stacktrace": stack })));
}
