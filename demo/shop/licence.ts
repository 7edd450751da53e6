import type { Service } from "./service.ts";

/**
 * Asks a host outside the shop whether this service may run, as vendors' libraries do: without instrumentation
 * (Node's `fetch`, which the HTTP instrumentation does not cover), so no trace shows it. Two services that depend on it
 * alike fail or slow down alike, and nothing in their telemetry tells which one began. The answer is kept for good unless
 * one of the faults `twin-…` is on. Throws when the licence is refused.
 */
export async function checkLicence(service: Service): Promise<void> {
  if (!service.faulty("twin-slow") && !service.faulty("twin-errors")) return;
  const response = await fetch(service.addressOf("licence"));
  await response.arrayBuffer();
  if (!response.ok) throw new Error("the licence could not be checked");
}
