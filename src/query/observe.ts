import type { TelemetryStore } from "../store/telemetry-store.ts";
import { fitToBudget } from "./budget.ts";
import { observeErrors } from "./errors.ts";
import { observeEvents } from "./events.ts";
import type { ObserveQuery, What } from "./parameters.ts";
import { renderText } from "./render/text.ts";
import type { Body, Draft, Question } from "./reply.ts";
import type { ObserveAnswer, ObserveContext } from "./shapes.ts";
import { observeTrace } from "./trace.ts";
import { observeTraces } from "./traces.ts";
import { askUntilFound } from "./wait.ts";

const MODES: Readonly<Record<What, (question: Question) => Promise<Draft>>> = {
  traces: observeTraces,
  trace: observeTrace,
  timeline: (question) => observeEvents(question, "timeline"),
  logs: (question) => observeEvents(question, "logs"),
  errors: observeErrors,
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

/** Bytes of a reply as it is sent: both forms as JSON for MCP, the text alone where only that is asked for. */
export function replyBytes(
  answer: { readonly structured: object; readonly text: string },
  { textOnly }: { readonly textOnly?: boolean },
): number {
  if (textOnly === true) return Buffer.byteLength(answer.text);
  return (
    Buffer.byteLength(JSON.stringify(answer.structured)) +
    Buffer.byteLength(JSON.stringify(answer.text)) +
    ENVELOPE_BYTES
  );
}

/** `{"content":[{"type":"text","text":…}],"structuredContent":…}` */
const ENVELOPE_BYTES = 64;
