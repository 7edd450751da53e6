import type { TelemetryStore } from "../store/telemetry-store.ts";
import { fitToBudget } from "./budget.ts";
import { observeCode } from "./code.ts";
import { observeErrors } from "./errors.ts";
import { LOGS, observeEvents, TIMELINE } from "./events.ts";
import { observeGit } from "./git.ts";
import { observePage } from "./interact-page.ts";
import { observeMetrics } from "./metrics.ts";
import { NETWORK_BODIES, observeWaterfall } from "./network.ts";
import { observeAnalysis, observeServices } from "./observe-analysis.ts";
import type { ObserveQuery, What } from "./parameters.ts";
import { ACTIONS, SCREENSHOTS, VITALS, WEBSOCKET_EVENTS } from "./record-modes.ts";
import { renderText } from "./render/text.ts";
import type { Body, Draft, Question } from "./reply.ts";
import { replyBytes } from "./reply-bytes.ts";
import type { ObserveAnswer, ObserveContext } from "./shapes.ts";
import { observeTests } from "./tests.ts";
import { observeTrace } from "./trace.ts";
import { observeTraces } from "./traces.ts";
import { askUntilFound } from "./wait.ts";

const MODES: Readonly<Record<What, (question: Question) => Promise<Draft>>> = {
  traces: observeTraces,
  trace: observeTrace,
  timeline: (question) => observeEvents(question, TIMELINE),
  logs: (question) => observeEvents(question, LOGS),
  errors: observeErrors,
  code: observeCode,
  services: observeServices,
  metrics: observeMetrics,
  tests: observeTests,
  git: observeGit,
  network_waterfall: observeWaterfall,
  network_bodies: (question) => observeEvents(question, NETWORK_BODIES),
  websocket_events: (question) => observeEvents(question, WEBSOCKET_EVENTS),
  actions: (question) => observeEvents(question, ACTIONS),
  vitals: (question) => observeEvents(question, VITALS),
  screenshots: (question) => observeEvents(question, SCREENSHOTS),
  page: observePage,
  correlation: (question) => observeAnalysis(question, "correlate"),
  correlations: (question) => observeAnalysis(question, "correlate"),
  causality: (question) => observeAnalysis(question, "causality_chain"),
  impact_analysis: (question) => observeAnalysis(question, "impact_analysis"),
};

/**
 * Answers a question about what was received: the one entry for MCP, REST and the CLI. `structured` and `text`
 * show the same rows; under a byte budget as many as fit. An empty answer says why in `metadata.why_empty`.
 * Throws GasolineError: `bad_parameter` (a value or cursor that cannot be read), `before_restart` (a cursor of
 * another run), and for what=trace `not_found` or `evicted`.
 */
export async function observe(
  store: TelemetryStore,
  query: ObserveQuery,
  context: ObserveContext,
): Promise<ObserveAnswer> {
  const startedMs = context.clock.nowMs();
  const question: Question = { store, query, context };
  const draft = await askUntilFound(question, () => MODES[query.what](question));
  const elapsedMs = context.clock.nowMs() - startedMs;
  const finish = (body: Body): ObserveAnswer => answerOf(body, elapsedMs);
  return finish(fitToBudget(draft, query.budgetBytes, (body) => replyBytes(finish(body), context)));
}

function answerOf(body: Body, elapsedMs: number): ObserveAnswer {
  const { summary, events, rows, lines, metadata } = body;
  const structured = {
    summary,
    ...(events === undefined ? {} : { events }),
    ...(rows === undefined ? {} : { rows }),
    metadata: { ...metadata, query_time_ms: elapsedMs },
  };
  return { structured, text: renderText(structured, lines) };
}
