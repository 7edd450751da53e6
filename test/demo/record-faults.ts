import { type FaultName, faultOf } from "../../demo/shop/faults.ts";
import type { Shop } from "../../demo/shop/shop.ts";
import { driveTraffic, type Sent, type Step } from "../../demo/shop/traffic.ts";
import type { Collector, Received } from "./collector.ts";

/** All that the shop recorded while some traffic ran, and nothing from before or after it. */
export interface Window extends Received {
  readonly sent: readonly Sent[];
}

export interface WindowTraffic {
  readonly seed: number;
  readonly visits: number;
  readonly steps?: readonly Step[];
}

/** Drives traffic and waits until its telemetry is here. */
export async function recordWindow(
  shop: Shop,
  collector: Collector,
  traffic: WindowTraffic,
): Promise<Window> {
  await shop.flush();
  collector.take();
  const sent = await driveTraffic({ url: shop.url, ...traffic });
  await shop.flush();
  return { sent, ...collector.take() };
}

/** As `recordWindow` with the fault on, and by default only the steps that show it; the fault is off again after. */
export async function recordFault(
  shop: Shop,
  collector: Collector,
  name: FaultName,
  traffic: WindowTraffic,
): Promise<Window> {
  await shop.setFault(name, true);
  try {
    return await recordWindow(shop, collector, { steps: faultOf(name).drive, ...traffic });
  } finally {
    await shop.setFault(name, false);
  }
}
