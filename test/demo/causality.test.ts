import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES, faultOf } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { WHOLE_VISIT } from "../../demo/shop/traffic.ts";
import type { BaselineSummary } from "../../src/correlate/baseline.ts";
import { diagnose } from "../../src/correlate/causality.ts";
import type { CausalityReport } from "../../src/correlate/causality-report.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { type Collector, type Received, startCollector } from "./collector.ts";
import { recordFault, recordWindow } from "./record-faults.ts";

/** Diagnoses of the shop's labelled faults, from what its services really sent while it had them. */
let collector: Collector;
let shop: Shop;
const baselines: BaselineSummary[] = [];

const WARM_UP_VISITS = 8;
const BASELINE_VISITS = 15;
const FAULT_VISITS = 8;

beforeAll(async () => {
  collector = await startCollector();
  shop = await startShop({ endpoint: collector.url });
  await recordWindow(shop, collector, { seed: 1, visits: WARM_UP_VISITS });
  for (const seed of [2, 3]) {
    const window = await recordWindow(shop, collector, { seed, visits: BASELINE_VISITS });
    baselines.push(summarize(window.spans, window.logs, baselines));
  }
});

afterAll(async () => {
  await shop?.close();
  await collector?.close();
});

const faults = FAULT_NAMES.filter((name) => faultOf(name).needsBrowser !== true);
const traffic = { seed: 4, visits: FAULT_VISITS, steps: WHOLE_VISIT };

describe("causality names the label of each fault that has one", () => {
  test.each(faults.filter((name) => faultOf(name).expect === "cause"))("%s", async (name) => {
    const report = diagnosisOf(await recordFault(shop, collector, name, traffic));
    const { label, otherEnd = label } = faultOf(name);
    const { service, operation } = report.root_cause ?? {};
    expect([label, otherEnd], summaryOf(report)).toContainEqual({ service, operation });
    if (name === "propagation-broken") {
      expect(report.missing_telemetry.map(({ kind }) => kind)).toContain("broken_propagation");
    }
  });
});

describe("causality abstains where two services cannot be told apart", () => {
  test.each(faults.filter((name) => faultOf(name).expect === "abstain"))("%s", async (name) => {
    const report = diagnosisOf(await recordFault(shop, collector, name, traffic));
    expect(report.abstained, summaryOf(report)).toBe(true);
    // Not because it saw nothing: the two that are alike lead the ranking.
    const [first, second] = report.ranking;
    expect([first?.service, second?.service].sort()).toEqual(["cart", "catalog"]);
  });
});

function diagnosisOf({ spans, logs }: Received): CausalityReport {
  return diagnose({ spans, logs, baselines });
}

/** For a failing test: what was concluded instead. */
function summaryOf({ verdict, ranking }: CausalityReport): string {
  const leaders = ranking.slice(0, 4).map((each) => `${each.service} ${each.operation} ${each.score}`);
  return [verdict, ...leaders].join("\n");
}
