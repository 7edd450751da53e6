import { type Attributes, context, propagation, SpanKind } from "@opentelemetry/api";
import { codeOfCaller, inSpan, log } from "./telemetry.ts";

/** A message as the broker keeps it; `headers` carry the trace context of whoever sent it. */
interface Message {
  readonly id: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: unknown;
}

const SYSTEM = "shop_broker";

/** Puts `body` on a queue of the broker, in a producer span. Throws when the broker does not take it. */
export async function publish(broker: string, queue: string, body: unknown): Promise<void> {
  const attributes = { ...messaging(queue, "send"), ...codeOfCaller() };
  await inSpan(`send ${queue}`, { kind: SpanKind.PRODUCER, attributes }, async (span) => {
    const headers: { [name: string]: string } = {};
    propagation.inject(context.active(), headers);
    const response = await fetch(`${broker}/queues/${queue}`, {
      method: "POST",
      body: JSON.stringify({ headers, body }),
    });
    if (!response.ok) throw new Error(`the broker answered ${response.status}`);
    const { id } = (await response.json()) as { id: string };
    span.setAttribute("messaging.message.id", id);
  });
}

/**
 * Takes messages off a queue, one after the other, for as long as the process lives. Each is handled in a consumer
 * span, a child of the producer's. A message whose handler fails is logged and gone. A broker that is away is
 * asked again.
 */
export async function consume(
  broker: string,
  queue: string,
  handle: (body: unknown) => void,
): Promise<never> {
  const code = codeOfCaller(handle.name);
  for (;;) {
    try {
      const response = await fetch(`${broker}/queues/${queue}/next`);
      const message = (await response.json()) as Message;
      receive(queue, message, code, handle);
      await fetch(`${broker}/queues/${queue}/${message.id}`, { method: "DELETE" });
    } catch (error) {
      log.error("broker not reached", error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

const RETRY_MS = 250;

function receive(queue: string, message: Message, code: Attributes, handle: (body: unknown) => void): void {
  const attributes = { ...messaging(queue, "process"), "messaging.message.id": message.id, ...code };
  context.with(propagation.extract(context.active(), message.headers), () => {
    try {
      inSpan(`process ${queue}`, { kind: SpanKind.CONSUMER, attributes }, () => handle(message.body));
    } catch (error) {
      log.error("message could not be handled", error, { "messaging.message.id": message.id });
    }
  });
}

function messaging(queue: string, operation: "send" | "process"): { [key: string]: string } {
  return {
    "messaging.system": SYSTEM,
    "messaging.destination.name": queue,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
  };
}
