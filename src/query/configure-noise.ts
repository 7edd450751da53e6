import { GasolineError } from "../model/errors.ts";
import type { ConfigureQuestion, Outcome } from "./configure.ts";
import { nearest } from "./did-you-mean.ts";
import { noiseFilter } from "./noise.ts";
import { type NoiseRule, noiseRuleSchema } from "./noise-rule.ts";
import { count } from "./render/units.ts";

const RULES_MAX = 64;
const EXAMPLE = '{"action":"noise_rule","name":"health checks","rule":{"url":"/healthz"}}';

/**
 * Files a noise rule, or replaces the one of its name; removes it with state off; lists what is on file with neither
 * name nor rule. Throws `bad_parameter`, `not_found`, `too_large`.
 */
export async function changeNoise(question: ConfigureQuestion): Promise<Outcome> {
  const { name, rule, state } = question.request;
  if (state === "off") return removeRule(question);
  if (name === undefined && rule === undefined) return listRules(question);
  return addRule(question);
}

async function addRule(question: ConfigureQuestion): Promise<Outcome> {
  const { request, context } = question;
  const rule = readRule(request.name, request.rule);
  const filed = context.state.readNoiseRules();
  const old = filed.find(({ name }) => name === rule.name);
  if (old === undefined && filed.length >= RULES_MAX) {
    throw new GasolineError(
      "too_large",
      `${RULES_MAX} noise rules are on file already.`,
      `Remove one: configure {"action":"noise_rule","name":${JSON.stringify(filed[0]!.name)},"state":"off"}.`,
    );
  }
  context.state.writeNoiseRules(
    old === undefined ? [...filed, rule] : filed.map((each) => (each === old ? rule : each)),
  );
  const row = await ruleRow(question, rule);
  return {
    summary: `The rule is ${old === undefined ? "on file" : "replaced"} and hides ${count(row.hides, "record")} of those held. Errors, 401 and 403 stay in sight.`,
    rows: [row],
    next: [REMOVE(rule.name), 'observe {"what":"timeline","include_noise":true}'],
  };
}

function readRule(name: string | undefined, rule: unknown): NoiseRule {
  const parsed = noiseRuleSchema.safeParse({ name, rule });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String).join(".");
  throw new GasolineError(
    "bad_parameter",
    `${path === "name" && name === undefined ? "name: expected a name for the rule" : `${path}: ${issue.message}`}.`,
    `For example configure ${EXAMPLE}.`,
  );
}

async function removeRule({ request: { name }, context }: ConfigureQuestion): Promise<Outcome> {
  const filed = context.state.readNoiseRules();
  const names = filed.map((each) => each.name);
  if (name === undefined || !names.includes(name)) {
    const near = name === undefined ? [] : nearest(name, names);
    throw new GasolineError(
      name === undefined ? "bad_parameter" : "not_found",
      name === undefined
        ? "state off needs the rule's name."
        : `There is no noise rule ${JSON.stringify(name)}.`,
      near.length > 0 ? `Did you mean ${near.join(", ")}?` : `On file: ${names.join(", ") || "none"}.`,
    );
  }
  context.state.writeNoiseRules(filed.filter((each) => each.name !== name));
  return {
    summary: `Removed the rule; ${count(filed.length - 1, "noise rule")} left. What it hid is shown again.`,
    rows: [{ name, removed: true }],
  };
}

async function listRules(question: ConfigureQuestion): Promise<Outcome> {
  const filed = question.context.state.readNoiseRules();
  const rows = [];
  for (const rule of filed) rows.push(await ruleRow(question, rule));
  return {
    summary:
      rows.length === 0
        ? "No noise rules are on file: nothing is hidden but the calls of these tools."
        : `${count(rows.length, "noise rule")} on file. They hide nothing that failed, no 401 and no 403.`,
    rows,
    next: rows.length === 0 ? [`configure ${EXAMPLE}`] : [REMOVE(rows[0]!.name)],
  };
}

/** A rule with how many records it hides of those held. */
async function ruleRow(
  { store, context }: ConfigureQuestion,
  rule: NoiseRule,
): Promise<NoiseRule & { readonly hides: number }> {
  const filter = noiseFilter(rule, store, context.clock);
  const { total } = await store.records({ filter, order: "newest", limit: 1 });
  return { ...rule, hides: total };
}

const REMOVE = (name: string): string =>
  `configure ${JSON.stringify({ action: "noise_rule", name, state: "off" })}`;
