import { msToNs } from "../model/time.ts";
import type { ServiceRow, ServicesAnswer } from "./analyses/services.ts";
import { findingLines, runAnalysis } from "./analyze.ts";
import type { AnalyzeQuery } from "./analyze-parameters.ts";
import type { AnyAnalysis } from "./analyze-window.ts";
import type { Detail } from "./normalize.ts";
import type { FilterKey, ObserveFilter } from "./parameters.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import { type Body, type Draft, lineChars, type Question } from "./reply.ts";
import type { Row } from "./shapes.ts";
import { shrink } from "./shrink.ts";

const USED: readonly FilterKey[] = [
  "trace_id",
  "span_id",
  "id",
  "session_id",
  "since",
  "until",
  "service",
  "text",
  "status",
  "level",
  "file",
  "url",
];

/** An analysis asked as a mode of observe: the filter is its scope, its findings are the rows. */
export async function observeAnalysis(question: Question, type: AnyAnalysis): Promise<Draft> {
  const { query, context } = question;
  const { result, scope } = await runAnalysis(question.store, analyzeQuery(type, query.filter), context);
  const { answer, spans, logs } = result;
  const nowNs = msToNs(context.clock.nowMs());
  const rowsMax = Math.min(answer.findings.length, query.limit);
  const { horizonNs, lost } = scope.window;
  const build = (rows: number, detail: Detail): Body => {
    const shown = shrink(answer.findings.slice(0, rows), rows, detail, nowNs).value as readonly Row[];
    return {
      summary: `${rows} of ${count(answer.findings.length + answer.truncated, "finding")} from ${count(spans, "span")} and ${count(logs, "log")}.`,
      rows: shown,
      lines: findingLines(answer, rows, detail, nowNs),
      metadata: {
        total_count: answer.findings.length + answer.truncated,
        shown: rows,
        horizon: horizonNs === null ? null : isoTime(horizonNs),
        ...(lost > 0 ? { lost } : {}),
        ...ignoredIn(query.filter, USED),
        ...(rowsMax === 0 ? { why_empty: clean(answer.summary ?? answer.verdict, 600) } : {}),
        ...(rows < rowsMax ? { left_out: `${rowsMax - rows} findings, to keep the reply short.` } : {}),
        next: answer.next,
      },
    };
  };
  return { rowsMax, build };
}

/** The map of services: one row a node, with what it calls. */
export async function observeServices(question: Question): Promise<Draft> {
  const { query, context } = question;
  const { result, scope } = await runAnalysis(
    question.store,
    analyzeQuery("services", query.filter),
    context,
  );
  const { services } = result.answer as ServicesAnswer;
  const nowNs = msToNs(context.clock.nowMs());
  const { horizonNs, lost, cut } = scope.window;
  const rowsMax = Math.min(services.length, query.limit);
  const build = (rows: number, detail: Detail): Body => {
    const shown = services.slice(0, rows);
    const slowest = shown.flatMap(({ calls_to }) => calls_to).filter(({ errors }) => errors > 0).length;
    return {
      summary: `${rows} of ${count(services.length, "node")}; ${count(slowest, "edge")} with errors; from ${count(result.spans, "span")}.`,
      rows: shrink(shown, Number.POSITIVE_INFINITY, detail, nowNs).value as readonly Row[],
      lines: shown.map((service) => serviceLine(service, detail)),
      metadata: {
        total_count: services.length,
        shown: rows,
        horizon: horizonNs === null ? null : isoTime(horizonNs),
        ...(lost > 0 ? { lost } : {}),
        ...ignoredIn(query.filter, ["trace_id", "session_id", "since", "until", "service"]),
        ...(rowsMax === 0 ? { why_empty: "No spans are held in this window." } : {}),
        ...(rows < services.length
          ? { left_out: `${services.length - rows} nodes, to keep the reply short.` }
          : {}),
        ...(cut === undefined
          ? {}
          : { left_out: `spans before ${isoTime(cut.sinceNs)}: narrow since and until.` }),
      },
    };
  };
  return { rowsMax, build };
}

function serviceLine({ service, kind, calls, errors, p95_ms, calls_to }: ServiceRow, detail: Detail): string {
  const chars = lineChars(detail);
  const outgoing = calls_to
    .map(
      ({ to, calls: times, errors: failed }) =>
        `${clean(to, 80)} ${times}×${failed > 0 ? ` (${failed} failed)` : ""}`,
    )
    .join(", ");
  const received = calls === 0 ? "" : ` ${count(calls, "call")}, ${errors} failed, p95 ${p95_ms} ms`;
  return clean(`${clean(service, 80)} (${kind})${received}${outgoing === "" ? "" : ` → ${outgoing}`}`, chars);
}

function ignoredIn(filter: ObserveFilter, used: readonly FilterKey[]): { ignored?: readonly string[] } {
  const ignored = Object.keys(filter).filter((key) => !(used as readonly string[]).includes(key));
  return ignored.length > 0 ? { ignored } : {};
}

function analyzeQuery(type: AnyAnalysis, filter: ObserveFilter): AnalyzeQuery {
  const { trace_id, span_id, id, session_id, since, until, service, text, status, level, file, url } = filter;
  const failed = status !== undefined || level === "error" || level === "critical";
  const symptom = text ?? (failed ? "status=error" : undefined);
  return {
    type,
    budgetBytes: undefined,
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(span_id === undefined ? {} : { span_id }),
    ...(id === undefined ? {} : { event_id: id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(service === undefined ? {} : { service }),
    ...(symptom === undefined ? {} : { symptom }),
    ...(file === undefined ? {} : { files: [file] }),
    ...(url === undefined ? {} : { endpoint: url }),
  };
}
