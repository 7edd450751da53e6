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

/** A fault, and the shop without it at the same time: one window of each round. */
export interface RecordedFault {
  readonly faulty: Window;
  readonly healthy: readonly Window[];
}

const ROUNDS = 2;
/** A process that has just started is slow, which is not what a deployed fault is about. */
const WARM_UP_VISITS = 3;

/**
 * Records `visits` with the fault on, and as many with it off, in turns: a machine that is busy with something else
 * slows both, so that they differ by the fault alone. A deploy takes one turn. The fault is off again after.
 */
export async function recordFault(
  shop: Shop,
  collector: Collector,
  name: FaultName,
  traffic: WindowTraffic,
): Promise<RecordedFault> {
  const deployed = faultOf(name).cause.kind === "deploy";
  const rounds = deployed ? 1 : ROUNDS;
  const visits = Math.ceil(traffic.visits / rounds);
  const healthy: Window[] = [];
  const faulty: Window[] = [];
  for (let round = 0; round < rounds; round++) {
    const turn = { ...traffic, visits, seed: traffic.seed + round };
    healthy.push(await recordWindow(shop, collector, turn));
    await shop.setFault(name, true);
    try {
      if (deployed) await recordWindow(shop, collector, { seed: traffic.seed, visits: WARM_UP_VISITS });
      faulty.push(await recordWindow(shop, collector, turn));
    } finally {
      await shop.setFault(name, false);
    }
  }
  return { healthy, faulty: join(faulty) };
}

function join(windows: readonly Window[]): Window {
  return {
    sent: windows.flatMap(({ sent }) => sent),
    spans: windows.flatMap(({ spans }) => spans),
    logs: windows.flatMap(({ logs }) => logs),
  };
}
