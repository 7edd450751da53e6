import type { RegressionFinding, RegressionReport } from "../correlate/regression.ts";
import { GasolineError } from "../model/errors.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import { runAnalysis } from "../query/analyze.ts";
import type { AnalyzeQuery } from "../query/analyze-parameters.ts";
import type { WindowScope } from "../query/analyze-scope.ts";
import { baselinesOnFile } from "../query/configure-baselines.ts";
import { type ErrorGroup, groupErrors } from "../query/error-groups.ts";
import { count, isoTime } from "../query/render/units.ts";
import type { Artifact } from "./generate.ts";
import { type Part, plain, sections } from "./markdown.ts";
import type { GenerateQuestion } from "./records.ts";

const FAILURES_MAX = 1_000;
const ERRORS_SHOWN = 10;

/**
 * What changed at run time, as markdown for a pull request: the window against the baseline named, else those on file.
 * Without any it says so and tells what ran and what failed.
 */
export async function summarizeChange(question: GenerateQuestion): Promise<Artifact> {
  const { store, request, context } = question;
  const { trace_id, session_id, service, since, until, baseline } = request;
  const hasBaseline = baseline !== undefined || baselinesOnFile(context.state).length > 0;
  const query: AnalyzeQuery = {
    // Reducing the window needs nothing to compare with, and says how much it holds.
    type: hasBaseline ? "regression" : "reduce_window",
    budgetBytes: undefined,
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(service === undefined ? {} : { service }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(baseline === undefined ? {} : { baseline }),
  };
  const { scope, result } = await runAnalysis(store, query, context);
  if (result.spans + result.logs === 0) {
    throw new GasolineError(
      "not_found",
      "Nothing of that scope is held, so there is nothing to sum up.",
      'Run the program, or widen since; observe {"what":"traces"} lists what is held.',
    );
  }
  // The answer of regression is correlate's own report.
  const report = hasBaseline ? (result.answer as RegressionReport) : undefined;
  const errors = await errorsIn(question, scope.window);
  const findings = report?.findings ?? [];
  const parts: Part[] = [
    ...findings.map((finding): Part => ({ section: sectionOf(finding), line: findingLine(finding) })),
    ...errors.map((error): Part => ({ section: "Errors in this window", line: errorLine(error) })),
  ];
  const head = [
    `# ${plain(request.description ?? "What changed at run time")}`,
    "",
    ...verdictLines(report, scope.checkpoints, scope.window, result),
  ];
  return {
    fileName: "pr-summary.md",
    mediaType: "text/markdown",
    about: `Run-time summary: ${report?.verdict ?? "not compared, for want of a baseline"}, ${count(findings.length, "difference")}, ${count(errors.length, "distinct error")}.`,
    noun: "line",
    rowsMax: parts.length,
    write: (rows) => [...head, ...sections(parts.slice(0, rows))].join("\n"),
    next: hasBaseline
      ? ['analyze {"type":"causality_chain","since":"-15m"}']
      : ['configure {"action":"set_baseline","name":"usual","since":"-15m"}'],
  };
}

function verdictLines(
  report: RegressionReport | undefined,
  checkpoints: readonly string[],
  { lost, horizonNs }: WindowScope,
  { spans, logs }: { readonly spans: number; readonly logs: number },
): string[] {
  const read = `Read: ${count(spans, "span")} and ${count(logs, "log")}.`;
  const gone =
    lost === 0
      ? []
      : [
          "",
          `${count(lost, "record")} of the window went before they were read; held since ${horizonNs === null ? "never" : isoTime(horizonNs)}.`,
        ];
  if (report === undefined) return [`**Not compared**: no baseline is on file. ${read}`, ...gone];
  const { verdict, summary, compared, truncated, warnings } = report;
  const against =
    checkpoints.length === 0
      ? "the window given"
      : `baseline ${checkpoints.map((name) => plain(name)).join(", ")}`;
  return [
    `**${verdict[0]!.toUpperCase()}${verdict.slice(1)}**: ${plain(summary)}`,
    "",
    `Compared ${count(compared.traces_after, "trace")} with ${compared.traces_before} of ${against}; ${count(compared.operations_in_both, "operation")} in both. ${read}`,
    ...(truncated === 0 ? [] : ["", `${count(truncated, "lesser difference")} not shown.`]),
    ...warnings.flatMap((warning) => ["", `Note: ${plain(warning)}`]),
    ...gone,
  ];
}

function sectionOf({ direction, expected }: RegressionFinding): string {
  if (expected) return "Expected";
  return { worse: "Worse", better: "Better", neutral: "Changed otherwise" }[direction];
}

function findingLine({ kind, text, evidence, counts }: RegressionFinding): string {
  const trace = evidence[0]?.trace_id;
  const weight = counts ? "" : " (too few traces to be sure)";
  return `- ${kind}: ${plain(text)}${weight}${trace === undefined ? "" : `, trace \`${trace}\``}`;
}

function errorLine({ service, type, message, operations, count: times, sample }: ErrorGroup): string {
  const where = operations[0] === undefined ? "" : ` in ${plain(operations[0])}`;
  const what = type === "" ? plain(message) : `${plain(type)}: ${plain(message)}`;
  const trace = sample.traceId === "" ? "" : `, trace \`${sample.traceId}\``;
  return `- ${times} × ${plain(service)}${where}: ${what}${trace}`;
}

async function errorsIn(
  { store, request }: GenerateQuestion,
  { filter }: WindowScope,
): Promise<ErrorGroup[]> {
  const { records } = await store.records({
    filter: {
      ...filter,
      kinds: ["span", "log"],
      severityMin: SEVERITY_ERROR,
      ...(request.service === undefined ? {} : { service: request.service }),
    },
    order: "newest",
    limit: FAILURES_MAX,
  });
  return groupErrors(records)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, ERRORS_SHOWN);
}
