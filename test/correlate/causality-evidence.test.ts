import { describe, expect, it } from "vitest";
import type { BaselineSummary } from "../../src/correlate/baseline.ts";
import type { Evidence, EvidenceRule } from "../../src/correlate/causality-evidence.ts";
import { factEvidence } from "../../src/correlate/causality-facts.ts";
import { CAUSALITY_RULES, type CausalitySteps } from "../../src/correlate/causality-rules.ts";
import { effectWeight, timeEvidence, timeStrength } from "../../src/correlate/causality-time.ts";
import { evidenceText } from "../../src/correlate/causality-words.ts";
import { summarize } from "../../src/correlate/summarize.ts";
import { type Fault, faultyShop } from "./faulty-shop.ts";

const summaryOf = (seed: number, fault: Fault = {}) => {
  const { spans, logs } = faultyShop(seed, 120, fault);
  return summarize(spans, logs);
};
const baselines = [summaryOf(1), summaryOf(2)];

function evidenceFor(
  fault: Fault,
  against: readonly BaselineSummary[] = baselines,
  steps: Partial<CausalitySteps> = {},
): Evidence[] {
  const rules = { ...CAUSALITY_RULES, steps: { ...CAUSALITY_RULES.steps, ...steps } };
  const now = summaryOf(3, fault);
  const found = [...timeEvidence(now, against, () => 1, rules), ...factEvidence(now, against, rules)];
  return found.sort((a, b) => b.strength - a.strength);
}

const told = (evidence: readonly Evidence[]) => evidence.map(({ rule, service }) => `${rule} ${service}`);

describe("evidence", () => {
  it.each<[string, Fault]>([
    ["in a healthy window", {}],
    ["when only products are asked for", { mix: () => 1 }],
    ["when nobody asks for products", { mix: (drawn) => 6 + (drawn * 4) / 10 }],
  ])("is not strong %s", (_, fault) => {
    for (const item of evidenceFor(fault)) expect(item.strength, evidenceText(item)).toBeLessThan(0.2);
  });

  it.each<[string, Fault, EvidenceRule, service: string, RegExp]>([
    [
      "own time",
      { slower: ({ service, name }) => (service === "mail" && name === "POST /mail" ? 40 : 1) },
      "self_time",
      "mail",
      /POST \/mail itself in mail takes \d+ ms instead of [\d.]+ ms/,
    ],
    [
      "the way to a service",
      { way: (_, callee) => (callee === "stock" ? 90 : 0) },
      "edge_gap",
      "stock",
      /the way from POST stock to stock and back \(called by checkout\) takes/,
    ],
    [
      "the ways to all services from one",
      { way: (caller) => (caller === "checkout" ? 90 : 0) },
      "edge_gap",
      "checkout",
      /called by checkout/,
    ],
    [
      "an exception",
      { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) },
      "exception",
      "stock",
      /in stock throws OutOfStock/,
    ],
    [
      "a failure",
      { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) },
      "error_status",
      "stock",
      /in stock fails: \d+ of \d+ calls, before 0 of \d+/,
    ],
    [
      "a log record never written before",
      { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) },
      "log",
      "stock",
      /now logs "request <\*> failed: OutOfStock"/,
    ],
    [
      "a sequence that stops",
      { throws: ({ service }) => (service === "catalog" ? "Broken" : undefined) },
      "stopped_after",
      "catalog",
      /stops after GET catalog of catalog/,
    ],
    [
      "many calls instead of one",
      { repeats: ({ name }) => (name.startsWith("UPDATE") ? 9 : 1) },
      "repeated_call",
      "stock",
      /calls UPDATE.* 8 times and more/,
    ],
    [
      "a call without answer",
      { silent: (service) => service === "mail" },
      "unanswered_call",
      "mail",
      /calls POST mail and gets no answer/,
    ],
  ])("shows %s", (_, fault, rule, service, text) => {
    const found = evidenceFor(fault).filter((item) => item.rule === rule && item.service === service);
    expect(told(found)).toContain(`${rule} ${service}`);
    expect(found.map(evidenceText).join("\n")).toMatch(text);
    expect(found[0]!.strength).toBeGreaterThan(0.2);
  });

  it.each<[keyof CausalitySteps, Fault, RegExp]>([
    ["selfTime", { slower: ({ service }) => (service === "stock" ? 30 : 1) }, /self_time/],
    ["edgeGaps", { way: (_, callee) => (callee === "stock" ? 90 : 0) }, /edge_gap/],
    [
      "errors",
      { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) },
      /error_status|exception/,
    ],
    ["logs", { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) }, /log/],
    ["calls", { repeats: ({ name }) => (name.startsWith("UPDATE") ? 9 : 1) }, /repeated_call/],
    ["stops", { throws: ({ service }) => (service === "catalog" ? "Broken" : undefined) }, /stopped_after/],
  ])("of a step is there with it and gone without it: %s", (step, fault, rules) => {
    expect(told(evidenceFor(fault)).join()).toMatch(rules);
    expect(told(evidenceFor(fault, baselines, { [step]: false })).join()).not.toMatch(rules);
  });

  it("of a lost call is against the caller when the callee answers others", () => {
    const fault: Fault = { loses: (caller, callee) => caller === "checkout" && callee === "cart" };
    expect(told(evidenceFor(fault))).toContain("unanswered_call checkout");
    expect(told(evidenceFor(fault)).join()).not.toContain("unanswered_call cart");
  });

  it("is none for operations that no baseline knows", () => {
    const withoutStock = { ...baselines[0]!, operations: [], edges: [], places: [] };
    expect(evidenceFor({ slower: ({ service }) => (service === "stock" ? 30 : 1) }, [withoutStock])).toEqual(
      [],
    );
  });

  it("is none of logs that a whole baseline lacks", () => {
    const silent = baselines.map((baseline) => ({ ...baseline, logs: 0 }));
    const fault: Fault = { throws: ({ service }) => (service === "stock" ? "OutOfStock" : undefined) };
    expect(told(evidenceFor(fault, silent)).join()).not.toMatch(/log/);
  });

  it("must differ from every baseline, not only from one", () => {
    const fault: Fault = {
      slower: ({ service }) => (service === "stock" ? 30 : 1),
      repeats: ({ name }) => (name.startsWith("UPDATE") ? 9 : 1),
    };
    for (const item of evidenceFor(fault, [...baselines, summaryOf(4, fault)])) {
      expect(item.strength, evidenceText(item)).toBeLessThan(0.2);
    }
  });
});

describe("timeStrength", () => {
  it("is a half where the added share is, and saturates", () => {
    expect(timeStrength(0, CAUSALITY_RULES)).toBe(0);
    expect(timeStrength(CAUSALITY_RULES.addedShareHalf, CAUSALITY_RULES)).toBeCloseTo(0.5, 9);
    expect(timeStrength(1_000, CAUSALITY_RULES)).toBeLessThanOrEqual(1);
  });
});

describe("effectWeight", () => {
  it.each([
    [0.5, 0],
    [1, 0],
    [Math.E, 0.5],
  ])("of %f times as long", (ratio, weight) => {
    expect(effectWeight(ratio)).toBeCloseTo(weight, 9);
  });
});
