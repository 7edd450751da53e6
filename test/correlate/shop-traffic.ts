import type { LogRecord } from "../../src/model/log.ts";
import type { Span, SpanKind } from "../../src/model/span.ts";
import { makeLog, makeResource, makeSpan } from "../support/draw-trace.ts";
import { hex } from "../support/span-shapes.ts";

/** How the little shop behaves in a window. */
export interface ShopTraffic {
  readonly requests: number;
  readonly seed: number;
  /** Start of the window in ns; further requests follow a second apart. */
  readonly fromNs?: bigint;
  /** Time of the payment itself is multiplied by this. */
  readonly paySlower?: number;
  /** Share of payments that fail. */
  readonly payFailing?: number;
  /** Queries for stock in each order. */
  readonly stockQueries?: number;
  readonly withMail?: boolean;
  readonly reserveFirst?: boolean;
  readonly log?: string;
  readonly logSeverity?: number;
  readonly testResult?: "pass" | "fail";
  /** Adds a service that was not there. */
  readonly withFraudCheck?: boolean;
}

const MS = 1_000_000;

/**
 * Requests `POST /orders/17` of a shop with some spread in time: test → web → orders → stock database, payment and a
 * mail queue. The same for the same arguments.
 */
export function shopTraffic(traffic: ShopTraffic): { spans: Span[]; logs: LogRecord[] } {
  const random = lcg(traffic.seed);
  const spread = (ms: number) => ms * MS * Math.exp(0.3 * (random() + random() + random() - 1.5));
  const spans: Span[] = [];
  const logs: LogRecord[] = [];
  const resources = new Map<string, ReturnType<typeof makeResource>>();
  const resource = (service: string) => {
    const known = resources.get(service) ?? makeResource(service);
    resources.set(service, known);
    return known;
  };
  for (let request = 0; request < traffic.requests; request++) {
    const traceId = hex(traffic.seed) + hex(request + 1);
    const base = (traffic.fromNs ?? 1_700_000_000_000_000_000n) + BigInt(request) * 1_000_000_000n;
    let atNs = 0;
    const add = (
      parent: Span | undefined,
      service: string,
      spanKind: SpanKind,
      name: string,
      more: Partial<Span> = {},
    ) => {
      const span = makeSpan({
        traceId,
        spanId: hex(spans.length + 1),
        parentSpanId: parent?.spanId ?? "",
        name,
        spanKind,
        startNs: base + BigInt(Math.round(atNs)),
        resource: resource(service),
        ...more,
      });
      const index = spans.push(span) - 1;
      const end = () => {
        spans[index] = { ...spans[index]!, endNs: base + BigInt(Math.round(atNs)) };
      };
      return { span, end };
    };
    const work = (ms: number) => {
      atNs += spread(ms);
    };
    const fails = random() < (traffic.payFailing ?? 0);
    const failed: Partial<Span> = fails ? { statusCode: "error" } : {};
    const status = { "http.response.status_code": fails ? 500 : 200 };
    const test =
      traffic.testResult === undefined
        ? undefined
        : add(undefined, "tests", "internal", "test.case", {
            attributes: {
              "test.case.name": "orders a book",
              "test.suite.name": "checkout",
              "test.case.result.status": traffic.testResult,
            },
          });
    const web = add(test?.span, "web", "server", "POST /orders/:id", {
      attributes: { "http.request.method": "POST", "http.route": "/orders/:id", ...status },
      ...failed,
    });
    work(3);
    const order = add(web.span, "orders", "server", "place order", { ...failed });
    work(2);
    const stock = () => {
      for (let i = 0; i < (traffic.stockQueries ?? 1); i++) {
        const query = add(order.span, "orders", "client", "stock", {
          attributes: {
            "db.system.name": "postgresql",
            "db.namespace": "shop",
            "db.query.text": `SELECT * FROM stock WHERE id = ${request}`,
          },
        });
        work(2);
        query.end();
      }
    };
    const pay = () => {
      const call = add(order.span, "orders", "client", "POST", {
        attributes: { "http.request.method": "POST", "url.full": "http://payment:8080/pay", ...status },
        ...failed,
      });
      work(1);
      const served = add(call.span, "payment", "server", "POST /pay", {
        attributes: {
          "http.request.method": "POST",
          "http.route": "/pay",
          "code.file.path": "/app/src/payment/charge.ts",
          ...status,
        },
        ...failed,
      });
      work(8 * (traffic.paySlower ?? 1));
      logs.push(
        makeLog({
          traceId,
          spanId: served.span.spanId,
          timeNs: served.span.startNs,
          body: traffic.log ?? `charged card for order ${request}`,
          severity: traffic.logSeverity ?? 9,
          resource: resource("payment"),
        }),
      );
      served.end();
      work(1);
      call.end();
    };
    if (traffic.reserveFirst === false) {
      pay();
      stock();
    } else {
      stock();
      pay();
    }
    if (traffic.withFraudCheck === true) {
      const check = add(order.span, "fraud", "server", "check fraud");
      work(1);
      check.end();
    }
    if (traffic.withMail !== false) {
      const mail = add(order.span, "orders", "producer", "send mail", {
        attributes: { "messaging.system": "kafka", "messaging.destination.name": "mails" },
      });
      work(1);
      mail.end();
    }
    order.end();
    work(1);
    web.end();
    test?.end();
  }
  return { spans, logs };
}

function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
