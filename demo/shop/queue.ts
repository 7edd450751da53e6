import { context, propagation, SpanKind } from "@opentelemetry/api";
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
 * span, a child of the producer's. A message whose handler fails is logged and gone.
 */
export async function consume(
  broker: string,
  queue: string,
  handle: (body: unknown) => void,
): Promise<never> {
  const code = codeOfCaller(handle.name);
  for (;;) {
    const response = await fetch(`${broker}/queues/${queue}/next`);
    if (response.status === 204) continue;
    const message = (await response.json()) as Message;
    context.with(propagation.extract(context.active(), message.headers), () => {
      const attributes = { ...messaging(queue, "process"), "messaging.message.id": message.id, ...code };
      try {
        inSpan(`process ${queue}`, { kind: SpanKind.CONSUMER, attributes }, () => handle(message.body));
      } catch (error) {
        log.error("message could not be handled", error, { "messaging.message.id": message.id });
      }
    });
    await fetch(`${broker}/queues/${queue}/${message.id}`, { method: "DELETE" });
  }
}

function messaging(queue: string, operation: "send" | "process"): { [key: string]: string } {
  return {
    "messaging.system": SYSTEM,
    "messaging.destination.name": queue,
    "messaging.operation.name": operation,
    "messaging.operation.type": operation,
  };
}
