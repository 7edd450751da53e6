import { redactUrl } from "../../model/redact.ts";
import type { RelayContext } from "../context.ts";

const SEVERITY_ERROR = 17;

/**
 * Tells the worker of errors that a page caught and logged, so that it takes their picture too: a page that shows "it did
 * not work" has mostly done just that. The worker takes one a trace. Uncaught errors are told by the relay itself.
 */
export function reportConsoleErrors(context: RelayContext): void {
  let told = "";
  context.tap((record) => {
    if (record.kind !== "log" || record.eventName !== "browser.console") return;
    const { severity, traceId, spanId, body: message } = record;
    if (severity < SEVERITY_ERROR || traceId === told) return;
    told = traceId;
    // Without a worker there is nobody who could take one.
    context.send("error", { traceId, spanId, message, url: redactUrl(location.href) }).catch(() => undefined);
  });
}
