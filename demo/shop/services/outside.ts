import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What the shop uses and does not own, in one process without any telemetry: a bank, a message broker, and the
 * host that two services ask for their licence. To a trace these are the far ends of client spans.
 */

const faults = new Set((process.env.SHOP_FAULTS ?? "").split(","));
let approvals = 0;

/** A bank that takes 8 ms, and declines one card. */
async function bank(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { card } = JSON.parse(await text(request)) as { card: string };
  await after(faults.has("third-party-slowdown") ? 180 : 8);
  if (card === "card_declined") return json(response, 402, { error: "card declined" });
  approvals += 1;
  json(response, 200, { approval: `approval-${approvals}` });
}

/** Slow for all who ask, or failing for all: see the faults named `twin-…`. */
async function licence(_request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (faults.has("twin-slow")) await after(60);
  json(response, faults.has("twin-errors") ? 503 : 200, {});
}

interface Queue {
  readonly waiting: { readonly id: string; readonly message: object }[];
  readonly receivers: ServerResponse[];
  readonly whenEmpty: ServerResponse[];
  /** Taken and not yet acknowledged. */
  readonly taken: Set<string>;
}

const queues = new Map<string, Queue>();
let messages = 0;

/** POST puts a message, GET …/next waits for one, DELETE …/ID acknowledges it, GET …/empty waits for none. */
async function broker(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, , name = "", item = ""] = (request.url ?? "").split("/");
  const queue = queues.get(name) ?? { waiting: [], receivers: [], whenEmpty: [], taken: new Set() };
  queues.set(name, queue);
  if (request.method === "POST") {
    messages += 1;
    const id = `m${messages}`;
    queue.waiting.push({ id, message: JSON.parse(await text(request)) as object });
    json(response, 202, { id });
  } else if (request.method === "DELETE") {
    queue.taken.delete(item);
    json(response, 200, {});
  } else if (item === "empty") {
    queue.whenEmpty.push(response);
  } else {
    queue.receivers.push(response);
    request.once("close", () => remove(queue.receivers, response));
  }
  while (queue.waiting.length > 0 && queue.receivers.length > 0) {
    const { id, message } = queue.waiting.shift()!;
    queue.taken.add(id);
    json(queue.receivers.shift()!, 200, { id, ...message });
  }
  if (queue.waiting.length + queue.taken.size === 0) {
    for (const waiter of queue.whenEmpty.splice(0)) json(waiter, 200, {});
  }
}

async function administer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = JSON.parse(await text(request)) as { name?: string; on?: boolean };
  if (request.url === "/admin/faults" && body.name !== undefined) {
    if (body.on === true) faults.add(body.name);
    else faults.delete(body.name);
  }
  json(response, 200, {});
}

async function serve(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): Promise<string> {
  const server = http.createServer((request, response) => {
    const handler = request.url?.startsWith("/admin/") === true ? administer : handle;
    handler(request, response).catch((error: unknown) => json(response, 400, { error: String(error) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function text(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return body;
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

async function after(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
const [bankUrl, brokerUrl, licenceUrl] = await Promise.all([serve(bank), serve(broker), serve(licence)]);
process.send?.({ url: bankUrl, also: { broker: brokerUrl, licence: licenceUrl } });
