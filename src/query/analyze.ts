import type { Finding } from "../correlate/finding.ts";
import { msToNs } from "../model/time.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import type { AnalysisAnswer } from "./analyses/question.ts";
import type { AnalysisResult } from "./analyst.ts";
import type { AnalyzeQuery } from "./analyze-parameters.ts";
import { type AnalysisScope, scopeOf } from "./analyze-scope.ts";
import { fitToBudget } from "./budget.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { renderText } from "./render/text.ts";
import { count, isoTime } from "./render/units.ts";
import { causeCall, lineChars } from "./reply.ts";
import { replyBytes } from "./reply-bytes.ts";
import type { ObserveContext, ObserveMetadata } from "./shapes.ts";
import { shortTraceId } from "./short-id.ts";
import { shrink } from "./shrink.ts";

/** What an analysis says of itself. */
export type AnalyzeMetadata = Pick<ObserveMetadata, "query_time_ms" | "horizon" | "lost" | "left_out"> & {
  /** Records read. */
  readonly spans: number;
  readonly logs: number;
  /** Checkpoints on file that it was compared with. */
  readonly compared_with?: readonly string[];
  /** Set when the window holds more than one analysis reads. */
  readonly window_cut?: string;
  /** Set when the window holds a baseline's own time, which is left out: since when, and whose. */
  readonly window_after?: string;
};

/** An answer as REST and MCP show it. */
export interface AnalyzeResponse extends AnalysisAnswer {
  readonly type: string;
  readonly metadata: AnalyzeMetadata;
}

/**
 * Answers a question about what records mean: the one entry for MCP, REST and the CLI. The analysis itself runs in
 * another thread on a copy. Throws GasolineError: `bad_parameter`, `not_found`, `evicted`, `before_restart`.
 */
export async function analyze(
  store: TelemetryStore,
  query: AnalyzeQuery,
  context: ObserveContext,
): Promise<{ readonly structured: AnalyzeResponse; readonly text: string }> {
  const startedMs = context.clock.nowMs();
  const found = await runAnalysis(store, query, context);
  const draft = analysisDraft(query, found, context);
  const finish = (body: AnalysisBody) => {
    const metadata = { ...body.response.metadata, query_time_ms: context.clock.nowMs() - startedMs };
    const structured = { ...body.response, metadata };
    return { structured, text: analysisText(structured, body.lines) };
  };
  return finish(fitToBudget(draft, query.budgetBytes, (body) => replyBytes(finish(body), context)));
}

/** The answer with the scope it was read from, before it is laid out. */
export interface FoundAnalysis {
  readonly scope: AnalysisScope;
  readonly result: AnalysisResult;
  /** Edge cases that the window exercised later than on file, Unix ms by name. */
  readonly tested?: NonNullable<AnalysisAnswer["tested"]>;
}

export async function runAnalysis(
  store: TelemetryStore,
  query: AnalyzeQuery,
  context: ObserveContext,
): Promise<FoundAnalysis> {
  const scope = await scopeOf(store, query, context);
  const { answer: found, ...read } = await context.analyst.run({
    type: query.type,
    options: scope.options,
    window: scope.window.bodies(),
    baselines: scope.baselines.map(({ bodies }) => bodies()),
  });
  const { tested, ...answer } = found;
  return { scope, result: { ...read, answer }, ...(tested === undefined ? {} : { tested }) };
}

interface AnalysisBody {
  readonly response: AnalyzeResponse;
  readonly lines: readonly string[];
}

/** Lists in an answer are cut to the same length: a reader drills into what comes first. */
function analysisDraft(
  query: AnalyzeQuery,
  { scope, result, tested }: FoundAnalysis,
  { clock }: ObserveContext,
): { readonly rowsMax: number; readonly build: (rows: number, detail: Detail) => AnalysisBody } {
  const { spans, logs } = result;
  const next = [
    ...failuresCall(query, result.answer),
    ...(tested === undefined ? [] : [FILE_TESTED_CALL]),
    ...(query.type === "edge_case_check" && (scope.options.known?.edgeCases ?? []).length === 0
      ? [REGISTER_CALL]
      : []),
    ...result.answer.next,
  ];
  const answer = { ...result.answer, next };
  const nowNs = msToNs(clock.nowMs());
  const { cut, horizonNs, lost } = scope.window;
  const build = (rows: number, detail: Detail): AnalysisBody => {
    const { value, cut: leftOut } = shrink(answer, rows, detail, nowNs);
    const shown = value as AnalysisAnswer;
    return {
      response: {
        type: query.type,
        ...shown,
        metadata: {
          spans,
          logs,
          query_time_ms: 0,
          horizon: horizonNs === null ? null : isoTime(horizonNs),
          ...(lost > 0 ? { lost } : {}),
          ...(scope.checkpoints.length === 0 ? {} : { compared_with: scope.checkpoints }),
          ...(cut === undefined
            ? {}
            : { window_cut: `the newest of ${count(cut.spans, "span")}, since ${isoTime(cut.sinceNs)}` }),
          ...(scope.afterBaseline === undefined
            ? {}
            : {
                window_after: `${isoTime(scope.window.filter.sinceNs ?? 0n)}, where baseline ${scope.afterBaseline} ends`,
              }),
          ...(leftOut.length > 0 ? { left_out: `${leftOut.join("; ")}.` } : {}),
        },
      },
      lines: findingLines(answer, shown.findings.length, detail, nowNs),
    };
  };
  return { rowsMax: longestList(answer), build };
}

/** What an analysis does not do by itself: it only reads. */
const FILE_TESTED_CALL = 'configure {"action":"register_edge_case"}';

/** What to do where no edge case is on file yet. */
const REGISTER_CALL =
  'configure {"action":"register_edge_case","name":"card declined","rule":{"match":{"service":"payment","status":"402"},"severity":"high"}}';

/** Where nothing deviates from what is usual, what failed can still be followed to where it began. */
function failuresCall({ type, symptom, since, until, service }: AnalyzeQuery, answer: object): string[] {
  const { abstained, ranking } = answer as { abstained?: boolean; ranking?: readonly unknown[] };
  const found = type !== "causality_chain" || abstained !== true || (ranking ?? []).length > 0;
  if (found || symptom !== undefined) return [];
  const scope = {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(service === undefined ? {} : { service }),
  };
  return [causeCall(scope, "status=error")];
}

function longestList(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inner = Object.values(value).reduce((most: number, each) => Math.max(most, longestList(each)), 0);
  return Array.isArray(value) ? Math.max(value.length, inner) : inner;
}

/** The conclusion and one line a finding, with the ids to drill into: all of it words of telemetry. */
export function findingLines(answer: AnalysisAnswer, shown: number, detail: Detail, nowNs: bigint): string[] {
  const chars = lineChars(detail);
  const verdict = answer.summary === undefined ? answer.verdict : `${answer.verdict}: ${answer.summary}`;
  return [
    clean(verdict, chars * 4),
    ...answer.findings.slice(0, shown).map((finding) => findingLine(finding, chars, nowNs)),
  ];
}

function findingLine(
  { kind, text, evidence, method, confidence }: Finding,
  chars: number,
  nowNs: bigint,
): string {
  const [first] = evidence;
  const trace = first?.trace_id === undefined ? "" : ` trace ${shortTraceId(first.trace_id, nowNs)}`;
  const span = first?.span_id === undefined ? "" : ` span ${first.span_id}`;
  const sure = confidence === 1 && method === "exact" ? "" : ` (${method}, ${confidence.toFixed(2)})`;
  return `- ${kind.replaceAll("_", " ")}: ${clean(text, chars)}${sure}${trace}${span}`;
}

/** As `renderText`: outside the fence stands nothing that telemetry wrote. */
function analysisText(response: AnalyzeResponse, lines: readonly string[]): string {
  const { type, findings, truncated, next, metadata } = response;
  const read = `${count(metadata.spans, "span")} and ${count(metadata.logs, "log")}`;
  const more = truncated === 0 ? "" : ` (${truncated} more not shown)`;
  const cut = metadata.window_cut === undefined ? "" : ` Read were ${metadata.window_cut}.`;
  const after = metadata.window_after === undefined ? "" : ` Read since ${metadata.window_after}.`;
  const { compared_with: names = [] } = metadata;
  const against = names.length === 0 ? "" : `, compared with ${names.join(", ")}`;
  const summary = `${type}: ${count(findings.length, "finding")}${more} from ${read}${against}.${after}${cut}`;
  return renderText(
    {
      summary,
      metadata: { ...metadata, total_count: findings.length, shown: findings.length, next },
    },
    lines,
  );
}
