import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorBody, ObserveResponse, TraceBody } from "../../src/http/api-types.ts";
import {
  commitLogs,
  commitSpans,
  FAILED_TRACE,
  fillShop,
  openSmallStore,
  openStore,
  PAGE_TRACE,
  START_NS,
  spanId,
  traceId,
} from "../query/fixture.ts";
import { send, startApi, type TestApi } from "./fixture.ts";

let api: TestApi;
beforeAll(async () => {
  const store = openStore();
  fillShop(store);
  api = await startApi(store);
});
afterAll(() => api.close());

async function getJson<T>(
  path: string,
  init?: RequestInit,
): Promise<{ readonly status: number; readonly body: T }> {
  const response = await fetch(api.url + path, init);
  return { status: response.status, body: (await response.json()) as T };
}

function post(body: string, type = "application/json"): RequestInit {
  return { method: "POST", headers: { "content-type": type }, body };
}

describe("/api/observe", () => {
  test("filters stand flat on GET and nested on POST, with the same answer", async () => {
    const flat = await getJson<ObserveResponse>("/api/observe?what=logs&level=error&service=payment&limit=5");
    const nested = await getJson<ObserveResponse>(
      "/api/observe",
      post(JSON.stringify({ what: "logs", limit: 5, filter: { level: "error", service: "payment" } })),
    );
    expect(flat.status).toBe(200);
    expect(flat.body).toEqual(nested.body);
    expect(flat.body.events).toMatchObject([
      { message: /^charge failed/, trace_id: FAILED_TRACE, span_id: spanId(2005) },
    ]);
  });

  test("attributes and tags in a query string", async () => {
    const { body } = await getJson<ObserveResponse>(
      "/api/observe?what=timeline&tags=http&tags=http&attributes.http.response.status_code=404",
    );
    expect(body.events!.map((event) => event.message)).toEqual(["GET"]);
  });

  test("as text: in JSON for programs, plain when plain text is asked for", async () => {
    const { body } = await getJson<{ text: string }>(
      `/api/observe?what=trace&trace_id=${FAILED_TRACE}&format=text`,
    );
    const plain = await fetch(`${api.url}/api/observe?what=trace&trace_id=${FAILED_TRACE}`, {
      headers: { accept: "text/plain" },
    });
    expect(plain.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(await plain.text()).toBe(`${body.text}\n`);
    expect(body.text).toMatch(/failed at: payment POST \/charge/);
  });

  test("a budget counts the text alone where only that is asked for", async () => {
    const { body } = await getJson<{ text: string }>(
      "/api/observe?what=timeline&limit=1000&budget_bytes=3000&format=text",
    );
    expect(Buffer.byteLength(body.text)).toBeLessThanOrEqual(3_000);
    expect(Buffer.byteLength(body.text)).toBeGreaterThan(2_500);
  });

  test.each<[path: string, init: RequestInit | undefined, status: number, code: string, message: RegExp]>([
    ["/api/observe", undefined, 400, "bad_parameter", /what is missing/],
    ["/api/observe?what=logs&levl=error", undefined, 400, "bad_parameter", /Did you mean filter\.level\?/],
    [
      "/api/observe?what=logs&format=xml",
      undefined,
      400,
      "bad_parameter",
      /format is "xml"; expected json or text/,
    ],
    [
      "/api/observe?what=logs&after_cursor=p.abc.1.1.1",
      undefined,
      410,
      "before_restart",
      /before the restart/,
    ],
    [`/api/observe?what=trace&trace_id=${traceId(99)}`, undefined, 404, "not_found", /No trace/],
    ["/api/observe", post("{"), 400, "malformed_body", /JSON/],
    ["/api/observe", post("[]"), 400, "malformed_body", /not a JSON object/],
    [
      "/api/observe",
      post("what=logs", "application/x-www-form-urlencoded"),
      415,
      "wrong_content_type",
      /application\/json/,
    ],
    ["/api/observe", post("{}", "text/plain"), 415, "wrong_content_type", /application\/json/],
    ["/api/observe", post(JSON.stringify({ what: "x".repeat(1_100_000) })), 413, "too_large", /1 MiB/],
    ["/api/observe", { method: "DELETE" }, 405, "wrong_method", /It takes GET, POST/],
    ["/api/observ", undefined, 404, "unknown_path", /Did you mean \/api\/observe\?/],
    ["/v1/traces/x", undefined, 404, "unknown_path", /OTLP at \/v1\/traces/],
  ])("%s is refused: %o → %i", async (path, init, status, code, message) => {
    const { status: answered, body } = await getJson<ErrorBody>(path, init);
    expect(answered).toBe(status);
    expect(body.error).toMatchObject({ code, message });
    expect(body.error.message.endsWith(body.error.remedy)).toBe(true);
  });
});

describe("/api/traces/:id", () => {
  test("the whole tree, exact", async () => {
    const { status, body } = await getJson<TraceBody>(`/api/traces/${FAILED_TRACE.slice(0, 8)}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      trace_id: FAILED_TRACE,
      start_ns: (START_NS + 60_000_000_000n).toString(),
      end_ns: (START_NS + 61_250_000_000n).toString(),
      services: ["cart", "payment", "web"],
      lost: 0,
      partial: false,
      missing_parents: [],
      logs: [],
    });
    expect(body.spans.map(({ name, depth, parent }) => [name, depth, parent])).toEqual([
      ["POST /checkout", 0, -1],
      ["POST /cart/pay", 1, 0],
      ["POST /cart/pay", 2, 1],
      ["SELECT items", 3, 2],
      ["POST /charge", 3, 2],
    ]);
    expect(body.spans[4]).toMatchObject({
      span_id: spanId(2005),
      parent_span_id: spanId(2003),
      kind: "client",
      service: "payment",
      status: { code: "error", message: "no answer from the bank within 1200 ms" },
      attributes: { "http.request.method": "POST", "url.full": "https://bank.example/charge" },
      events: [{ name: "exception", time_ns: (START_NS + 61_229_000_000n).toString() }],
      logs: [
        { level: "warn", body: "bank is slow, still waiting" },
        { level: "error", attributes: { "order.id": 7731 } },
      ],
      resource: { "service.name": "payment", "host.name": "payment-1" },
    });
  });

  test("an orphan and an open span say what they are", async () => {
    const { body } = await getJson<TraceBody>(`/api/traces/${PAGE_TRACE}`);
    expect(body.missing_parents).toEqual([spanId(4999)]);
    expect(body.spans[2]).toMatchObject({ name: "render", parent: -1, flags: ["orphan", "open"] });
    expect(body.spans[2]!.end_ns).toBeUndefined();
  });

  test.each([
    [traceId(99), 404, "not_found"],
    ["zz", 400, "bad_parameter"],
    ["%2e%2e%2fetc", 400, "bad_parameter"],
  ])("%s → %i %s", async (id, status, code) => {
    const answer = await getJson<ErrorBody>(`/api/traces/${id}`);
    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toBe(code);
  });

  test("an evicted trace is not there, and the reason says so", async () => {
    const store = openSmallStore(64);
    for (let i = 1; i <= 10; i++) {
      commitSpans(
        store,
        Array.from({ length: 16 }, (_, j) => ({ traceId: traceId(i), spanId: spanId(i * 100 + j) })),
      );
    }
    const small = await startApi(store);
    const response = await fetch(`${small.url}/api/traces/${traceId(1)}`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ error: { code: "evicted", message: /made way/ } });
    await small.close();
  });

  test("a trace 12,000 spans deep, with integers that JSON cannot hold", async () => {
    const store = openStore();
    commitSpans(
      store,
      Array.from({ length: 12_000 }, (_, i) => ({
        spanId: spanId(i + 1),
        ...(i === 0 ? {} : { parentSpanId: spanId(i) }),
        attributes: { big: 9_007_199_254_740_993n, odd: Number.NaN, bytes: Uint8Array.of(1, 2) },
      })),
    );
    const deep = await startApi(store);
    const body = (await (await fetch(`${deep.url}/api/traces/${"1".padStart(32, "0")}`)).json()) as TraceBody;
    expect(body.spans).toHaveLength(12_000);
    expect(body.spans.at(-1)).toMatchObject({
      depth: 11_999,
      parent: 11_998,
      attributes: { big: "9007199254740993", odd: "NaN", bytes: "AQI=" },
    });
    await deep.close();
  });
});

describe("guards", () => {
  test.each<[path: string, headers: Record<string, string>, status: number]>([
    ["/", { host: "evil.example:7890" }, 403],
    ["/api/observe?what=logs", { host: "evil.example" }, 403],
    ["/api/traces/0123456789abcdef", { host: "localhost", origin: "https://evil.example" }, 403],
    ["/mcp", { host: "localhost", origin: "null" }, 403],
    ["/metrics", { host: "evil.example" }, 403],
    ["/nowhere", { host: "evil.example" }, 403],
    ["/api/observe?what=logs", { host: "localhost:7890", origin: "http://localhost:3000" }, 200],
    ["/healthz", { host: "10.0.0.7:7890" }, 200],
    ["/readyz", { host: "10.0.0.7:7890" }, 200],
  ])("%s with %o → %i", async (path, headers, status) => {
    const answer = await send(api.port, path, headers);
    expect(answer.status).toBe(status);
    if (status === 403) expect(JSON.parse(answer.body).error.code).toMatch(/^forbidden_/);
  });

  test("with a key set, everything but health asks for it", async () => {
    const keyed = await startApi(openStore(), { apiKey: "k3y" });
    for (const path of [
      "/",
      "/metrics",
      "/api/observe?what=logs",
      "/api/traces/0123456789",
      "/mcp",
      "/nowhere",
    ]) {
      const response = await fetch(keyed.url + path);
      expect([path, response.status]).toEqual([path, 401]);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
    }
    for (const path of ["/healthz", "/readyz"]) expect((await fetch(keyed.url + path)).status).toBe(200);
    expect((await fetch(`${keyed.url}/metrics`, { headers: { "x-api-key": "k3y" } })).status).toBe(200);
    expect((await fetch(`${keyed.url}/`, { headers: { authorization: "Bearer k3y" } })).status).toBe(200);
    await keyed.close();
  });
});

test("health names the service and its version", async () => {
  const { body } = await getJson("/healthz");
  expect(body).toMatchObject({ status: "ok", service: "gasoline", version: /^\d+\.\d+\.\d+/ });
  expect((await getJson("/readyz")).body).toMatchObject({ status: "ready" });
});

test("/metrics is what Prometheus reads", async () => {
  const response = await fetch(`${api.url}/metrics`);
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const samples = readPrometheus(await response.text());
  expect(samples.get('gasoline_receiver_records_accepted_total{signal="traces"}')).toBe(10);
  expect(samples.get('gasoline_receiver_records_rejected_total{signal="traces"}')).toBe(1);
  expect(samples.get('gasoline_receiver_requests_refused_total{code="too_large"}')).toBe(3);
  expect(samples.get("gasoline_receiver_bytes_in_flight")).toBe(12);
  expect(samples.get('gasoline_store_records{stream="backend.spans"}')).toBe(59);
  expect(samples.get('gasoline_store_records_evicted_total{stream="backend.logs"}')).toBe(0);
  expect(samples.has('gasoline_store_records_dropped_total{stream="metrics"}')).toBe(true);
  expect(samples.has("gasoline_store_values_masked_total")).toBe(true);
});

/** Reads the text format strictly: HELP and TYPE before each family's samples, every line of a known form. */
function readPrometheus(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const help = /^# HELP (\S+) .+\.$/.exec(line);
    const type = /^# TYPE (\S+) (?:counter|gauge)$/.exec(line);
    const sample = /^([a-z_]+)(\{[a-z_]+="[^"\\\n]*"\})? (-?\d+(?:\.\d+)?)$/.exec(line);
    if (help !== null) family = help[1]!;
    else if (type !== null) expect(type[1]).toBe(family);
    else {
      expect(sample, line).not.toBeNull();
      expect(sample![1]).toBe(family);
      samples.set(sample![1]! + (sample![2] ?? ""), Number(sample![3]));
    }
  }
  return samples;
}

describe("pages", () => {
  const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>`;

  test("the page shows what was received and how to connect; hostile names are text", async () => {
    const store = openStore();
    fillShop(store);
    commitSpans(store, [{ name: HOSTILE, traceId: traceId(9), resource: { "service.name": HOSTILE } }]);
    commitLogs(store, [{ body: HOSTILE, traceId: traceId(9), resource: { "service.name": HOSTILE } }]);
    const hostile = await startApi(store);
    const page = await fetch(`${hostile.url}/`, { headers: { accept: "text/html" } });
    const html = await page.text();
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(html).toContain(`OTEL_EXPORTER_OTLP_ENDPOINT=${hostile.url}`);
    expect(html).toContain("npx gasoline connect claude");
    expect(html).toContain(`href="/traces/${FAILED_TRACE}"`);
    expect(html).toContain("backend.spans");
    const trace = await (
      await fetch(`${hostile.url}/traces/${traceId(9)}`, { headers: { accept: "text/html" } })
    ).text();
    for (const text of [html, trace]) {
      expect(text).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
      expect(text).not.toMatch(/<script|<img/);
    }
    await hostile.close();
  });

  test("a policy under which nothing but our own style applies", async () => {
    for (const path of ["/", `/traces/${FAILED_TRACE}`, "/traces/0123456789"]) {
      const response = await fetch(api.url + path, { headers: { accept: "text/html" } });
      const policy = response.headers.get("content-security-policy")!;
      expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'/);
      expect(policy).not.toContain("unsafe");
      const style = /<style>([^<]*)<\/style>/.exec(await response.text())![1]!;
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(style));
      expect(policy).toContain(`'sha256-${Buffer.from(digest).toString("base64")}'`);
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("cache-control")).toBe("no-store");
    }
  });

  test("a trace that is not there is a page that says so", async () => {
    const response = await fetch(`${api.url}/traces/0123456789`, { headers: { accept: "text/html" } });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("No trace whose id begins with 0123456789");
  });
});
