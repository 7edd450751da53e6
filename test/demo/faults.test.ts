import { Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAULT_NAMES, type FaultName, faultOf } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { diagnose } from "../../src/correlate/causality.ts";
import type { CausalityReport } from "../../src/correlate/causality-report.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { type Collector, startCollector } from "./collector.ts";
import { fastestMs, SIGNS, statuses, versions } from "./fault-signs.ts";
import { type RecordedFault, recordFault, recordWindow, type Window } from "./record-faults.ts";

/** The labelled faults of the shop: that they are what they claim, and that causality finds them. */
let collector: Collector;
let shop: Shop;
let atFirst: Window;

const VISITS = 16;
/** Faults that make every visit wait, which a few visits show as well. */
const VISITS_WAITING = 8;
const WAITING: readonly FaultName[] = ["timeout-retry", "third-party-slowdown", "twin-slow"];

beforeAll(async () => {
  collector = await startCollector();
  shop = await startShop({ endpoint: collector.url });
  await recordWindow(shop, collector, { seed: 1, visits: VISITS });
  atFirst = await recordWindow(shop, collector, { seed: 2, visits: VISITS });
});

afterAll(async () => {
  await shop?.close();
  await collector?.close();
});

describe.each(FAULT_NAMES)("%s", (name) => {
  const { expect: expected, label, alsoRight = [], needsBrowser } = faultOf(name);
  let recorded: RecordedFault;

  beforeAll(async () => {
    const visits = WAITING.includes(name) ? VISITS_WAITING : VISITS;
    recorded = await recordFault(shop, collector, name, { seed: 4, visits });
  });

  test("shows what it claims", () => {
    SIGNS[name](recorded.faulty, recorded.healthy[0]!);
    expect(recorded.faulty.sent.filter(({ status }) => status === 0)).toEqual([]);
  });

  if (expected === "cause" && needsBrowser !== true) {
    test(`is traced to ${label.operation} of ${label.service}`, () => {
      const report = diagnosisOf(recorded);
      const { service, operation } = report.root_cause ?? {};
      expect([label, ...alsoRight], told(report)).toContainEqual({ service, operation });
    });
  }

  if (expected === "abstain") {
    test("is not guessed at", () => {
      const report = diagnosisOf(recorded);
      expect(report.abstained, told(report)).toBe(true);
      // Not because it saw nothing: the two that are alike lead the ranking.
      const [first, second] = report.ranking;
      expect([first?.service, second?.service].sort()).toEqual(["cart", "catalog"]);
    });
  }

  if (name === "propagation-broken") {
    test("is told as missing telemetry", () => {
      const kinds = diagnosisOf(recorded).missing_telemetry.map(({ kind }) => kind);
      expect(kinds).toContain("broken_propagation");
    });
  }
});

test("the shop is well again when all faults are off", async () => {
  const after = await recordWindow(shop, collector, { seed: 4, visits: 2 });
  expect(new Set(after.sent.map(({ status }) => status))).toEqual(new Set([200]));
});

test("every label names a span of the shop", () => {
  const names = new Set(atFirst.spans.map((span) => `${span.resource.service} ${span.name}`));
  for (const name of FAULT_NAMES) {
    const { label, needsBrowser } = faultOf(name);
    if (needsBrowser !== true) expect(names).toContain(`${label.service} ${label.operation}`);
  }
});

test("the page breaks only where the browser would see it", async () => {
  await shop.setFault("browser-only-error", true);
  const broken = await (await fetch(shop.url)).text();
  await shop.setFault("browser-only-error", false);
  const whole = await (await fetch(shop.url)).text();
  expect(broken).not.toBe(whole);
  for (const html of [broken, whole]) {
    const script = html.split(/<\/?script>/)[1];
    expect(() => new Script(script ?? "no script")).not.toThrow();
  }
});

test("faults can be on from the start", async () => {
  const own = await startShop({
    endpoint: collector.url,
    faults: ["error-deep", "bad-deploy", "missing-index"],
  });
  try {
    const window = await recordWindow(own, collector, {
      seed: 3,
      visits: 3,
      steps: ["product", "add", "pay"],
    });
    expect(versions(window, "orders")).toEqual(new Set(["1.5.0"]));
    expect(statuses(window, "pay")).toEqual(new Set([502]));
    expect(fastestMs(window, "catalog", "SELECT reviews")).toBeGreaterThan(
      5 * fastestMs(atFirst, "catalog", "SELECT reviews"),
    );
  } finally {
    await own.close();
  }
});

/** As a user would ask: the window with the fault against those without. */
function diagnosisOf({ faulty, healthy }: RecordedFault): CausalityReport {
  const baselines = [atFirst, ...healthy].map(({ spans, logs }) => summarize(spans, logs));
  return diagnose({ spans: faulty.spans, logs: faulty.logs, baselines });
}

/** For a failing test: what was concluded instead. */
function told({ verdict, ranking }: CausalityReport): string {
  const leaders = ranking.slice(0, 4).map((each) => `${each.service} ${each.operation} ${each.score}`);
  return [verdict, ...leaders].join("\n");
}
