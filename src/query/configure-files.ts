import { GasolineError } from "../model/errors.ts";
import { runAnalysis } from "./analyze.ts";
import type { AnalyzeQuery } from "./analyze-parameters.ts";
import { scopeOf, type WindowScope } from "./analyze-scope.ts";
import type { ConfigureQuestion, Outcome } from "./configure.ts";
import type { LearnedContracts } from "./configure-tasks.ts";
import { count } from "./render/units.ts";
import { edgeCaseSchema, readEdgeCase } from "./state-schemas.ts";

const EDGE_CASES_MAX = 1_000;

/**
 * Files an edge case, or replaces the one of its name, keeping when that was last tested. Without name and rule, files
 * when those that the window exercised were last tested.
 */
export async function registerEdgeCase(question: ConfigureQuestion): Promise<Outcome> {
  const { request, context } = question;
  const { name, rule = {} } = request;
  if (name === undefined && request.rule === undefined) return fileTested(question);
  const parsed = edgeCaseSchema.safeParse({ ...rule, ...(name === undefined ? {} : { name }) });
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new GasolineError(
      "bad_parameter",
      `rule${issue.path.length === 0 ? "" : `.${issue.path.join(".")}`}: ${issue.message}.`,
      'For example {"action":"register_edge_case","name":"card declined","rule":{"match":{"service":"payment","status":"402"},"severity":"high","test_frequency":"weekly"}}.',
    );
  }
  const { state } = context;
  const filed = state.readEdgeCases();
  const old = filed.find((each) => each.name === parsed.data.name);
  if (old === undefined && filed.length >= EDGE_CASES_MAX) {
    throw new GasolineError(
      "too_large",
      `${EDGE_CASES_MAX} edge cases are on file already.`,
      "Take some out of edge-cases.json first.",
    );
  }
  const given = readEdgeCase(parsed.data);
  const entry = given.lastTestedMs === undefined ? { ...given, lastTestedMs: old?.lastTestedMs } : given;
  const path = state.writeEdgeCases(
    old === undefined ? [...filed, entry] : filed.map((each) => (each === old ? entry : each)),
  );
  return {
    summary: `The edge case is ${old === undefined ? "on file" : "replaced"}; ${count(filed.length + (old === undefined ? 1 : 0), "edge case")} in all.`,
    rows: [
      {
        name: entry.name,
        severity: entry.severity,
        test_frequency: entry.frequency,
        match: entry.match,
        path,
      },
    ],
    next: ['analyze {"type":"edge_case_check"}'],
  };
}

async function fileTested({ store, request, context }: ConfigureQuestion): Promise<Outcome> {
  const query = { ...scopeQuery(request), type: "edge_case_check" } as const;
  const { tested = {} } = await runAnalysis(store, query, context);
  const { state } = context;
  // Read again: another call, or a person, may have written since the analysis began.
  const filed = state.readEdgeCases();
  const later = filed.filter(({ name, lastTestedMs = 0 }) => testedMs(tested, name) > lastTestedMs);
  if (later.length > 0) {
    state.writeEdgeCases(
      filed.map((each) =>
        later.includes(each) ? { ...each, lastTestedMs: testedMs(tested, each.name) } : each,
      ),
    );
  }
  return {
    summary: `Filed a later test of ${count(later.length, "edge case")}, of ${filed.length} on file.`,
    rows: later.map(({ name }) => ({
      name,
      last_tested: new Date(testedMs(tested, name)).toISOString(),
    })),
    next: ['analyze {"type":"edge_case_check"}'],
  };
}

function testedMs(tested: { readonly [name: string]: number }, name: string): number {
  return Object.hasOwn(tested, name) ? tested[name]! : 0;
}

/** Proposes contracts from the window's traffic. One on file is never overwritten: the proposal stands beside it. */
export async function writeProposals(question: ConfigureQuestion): Promise<Outcome> {
  const { request, context } = question;
  const { scope, window } = await requestedScope(question);
  const { answer } = await context.analyst.run({
    type: "learn_contracts",
    options: scope.options,
    window: window.bodies(),
    baselines: [],
  });
  // The answer of learn_contracts, which the analyst knows only as one of an analysis.
  const { proposals } = answer as LearnedContracts;
  const wanted = request.filter?.service;
  const kept = proposals.filter(({ service }) => wanted === undefined || service === wanted);
  if (kept.length === 0) {
    throw new GasolineError(
      "not_found",
      "No HTTP traffic of that scope is held to learn from.",
      'Send some requests through the program, or widen since; observe {"what":"traces"} lists what is held.',
    );
  }
  const rows = kept.map((proposal) => {
    const { path, isNew } = context.state.proposeContract(proposal);
    return {
      service: proposal.service,
      endpoints: proposal.endpoints.length,
      samples: proposal.endpoints.reduce((sum, { samples }) => sum + samples, 0),
      file: path,
      ...(isNew ? {} : { beside: "a contract on file, which stays as it is" }),
    };
  });
  return {
    summary: `Proposed ${count(rows.length, "contract")}. Read them before relying on them: they say what was seen, not what is right.`,
    rows,
    next: ['analyze {"type":"contract_validation"}'],
  };
}

/** The window that a request is about. Throws as `scopeOf`. */
export async function requestedScope({ store, request, context }: ConfigureQuestion): Promise<{
  readonly scope: Awaited<ReturnType<typeof scopeOf>>;
  readonly window: WindowScope;
}> {
  const query: AnalyzeQuery = { ...scopeQuery(request), type: "reduce_window" };
  const scope = await scopeOf(store, query, context);
  return { scope, window: scope.window };
}

function scopeQuery({ since, until, filter = {} }: ConfigureQuestion["request"]): Omit<AnalyzeQuery, "type"> {
  return {
    budgetBytes: undefined,
    ...filter,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}
