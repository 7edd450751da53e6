import type { SpanRef } from "../correlate/causality-report.ts";
import type { ImpactReport } from "../correlate/impact.ts";
import { placeText } from "../enrich/stack.ts";
import type { CausalityAnswer } from "../query/analyses/causality-chain.ts";
import { runAnalysis } from "../query/analyze.ts";
import type { AnalyzeQuery } from "../query/analyze-parameters.ts";
import { count } from "../query/render/units.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import { codePlaceOf, fileFrom } from "./code-place.ts";
import type { Artifact } from "./generate.ts";
import { type Part, plain, sections } from "./markdown.ts";
import type { GenerateQuestion } from "./records.ts";

const PLACES_MAX = 3;
const NAMES_MAX = 10;

/**
 * What to do about what is wrong, as markdown: where to change what (the root cause that causality names), what depends
 * on it (impact), how to verify. Every statement names a trace or span that shows it. Where causality abstains, the
 * plan is to find out, not to change.
 */
export async function planRepair(question: GenerateQuestion): Promise<Artifact> {
  const { store, request, context } = question;
  const query = scopeOf(question);
  const { result } = await runAnalysis(store, { ...query, type: "causality_chain" }, context);
  // The answer of causality_chain is correlate's own report.
  const report = result.answer as CausalityAnswer;
  const cause = report.root_cause;
  const parts =
    cause === undefined
      ? findOutFirst(report)
      : [
          ...(await changes(store, cause)),
          ...(await dependents(question, cause)),
          ...verification(cause.spans[0]?.trace_id, request.baseline),
        ];
  const title = plain(request.description ?? "Plan");
  const head = [`# ${title}`, "", plain(report.verdict)];
  return {
    fileName: "implementation-plan.md",
    mediaType: "text/markdown",
    about:
      cause === undefined
        ? `No cause stands out, so the plan is to find out: ${count(parts.length, "step")}.`
        : `A plan of ${count(parts.length, "step")} for the root cause, confidence ${cause.confidence.toFixed(2)}.`,
    noun: "step",
    rowsMax: parts.length,
    write: (rows) => [...head, ...sections(parts.slice(0, rows))].join("\n"),
    next: ['analyze {"type":"causality_chain","since":"-15m"}'],
  };
}

function scopeOf({ request }: GenerateQuestion): Omit<AnalyzeQuery, "type"> {
  const { trace_id, session_id, service, since, until, baseline } = request;
  return {
    budgetBytes: undefined,
    ...(trace_id === undefined ? {} : { trace_id }),
    ...(session_id === undefined ? {} : { session_id }),
    ...(service === undefined ? {} : { service }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(baseline === undefined ? {} : { baseline }),
  };
}

/** Where the root cause lies in the code, as its spans tell, and what is wrong there. */
async function changes(
  store: TelemetryStore,
  cause: NonNullable<CausalityAnswer["root_cause"]>,
): Promise<Part[]> {
  const places = new Map<string, SpanRef>();
  for (const ref of cause.spans) {
    const lookup = await store.trace(ref.trace_id);
    const span =
      lookup.found === "yes" ? lookup.value.spans.find(({ spanId }) => spanId === ref.span_id) : undefined;
    const frame = span === undefined ? undefined : codePlaceOf(span);
    if (frame === undefined) continue;
    const place = placeText({ file: fileFrom(frame, process.cwd()), line: frame.line });
    if (!places.has(place)) places.set(place, ref);
    if (places.size === PLACES_MAX) break;
  }
  const what = `${plain(cause.operation)} of ${plain(cause.service)}`;
  const where: Part[] =
    places.size === 0
      ? [
          change(
            `${what}. Its spans name no place in the code: set code.file.path on them, or look at one.`,
            cause.spans[0],
          ),
        ]
      : [...places].map(([place, ref]) => change(`${plain(place)}, for ${what}.`, ref));
  return [...where, ...cause.evidence.map(({ text, spans }) => change(`It shows: ${plain(text)}`, spans[0]))];
}

function change(text: string, ref: SpanRef | undefined): Part {
  return { section: "Change", line: `- ${text}${shownBy(ref)}` };
}

/** What was seen to depend on the root cause: it must be as good after the change. */
async function dependents(
  { store, request, context }: GenerateQuestion,
  { service, operation }: NonNullable<CausalityAnswer["root_cause"]>,
): Promise<Part[]> {
  const { since, until } = request;
  const query: AnalyzeQuery = {
    type: "impact_analysis",
    budgetBytes: undefined,
    service,
    ...(/^[A-Z]+ \//.test(operation) ? { endpoint: operation } : {}),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
  const { result } = await runAnalysis(store, query, context);
  const { findings } = result.answer as ImpactReport;
  return findings
    .filter(({ kind, name }) => kind !== "service" || name !== service)
    .slice(0, NAMES_MAX)
    .map(({ kind, name, evidence }) => ({
      section: kind === "test" ? "Verify" : "Keep working",
      line: `- ${kind === "test" ? "Run the test" : kind.replace("_", " ")} ${plain(name)}${shownBy(evidence[0])}`,
    }));
}

function verification(traceId: string | undefined, baseline: string | undefined): Part[] {
  const call = (text: string, tool: string, input: object): Part => ({
    section: "Verify",
    line: `- ${text}: \`${tool} ${JSON.stringify(input).replaceAll("`", "'")}\``,
  });
  return [
    ...(traceId === undefined
      ? []
      : [
          call("A test of what was done, before and after the change", "generate", {
            format: "test",
            trace_id: traceId,
          }),
          call("The steps by hand", "generate", { format: "reproduction", trace_id: traceId }),
        ]),
    call("After it, nothing got worse", "analyze", {
      type: "regression",
      since: "-5m",
      baseline: baseline ?? "-30m/-15m",
    }),
    call("After it, what still fails", "observe", { what: "errors", filter: { since: "-5m" } }),
  ];
}

/** Without a root cause: what would tell, and who comes into question. */
function findOutFirst({
  missing_telemetry,
  alternatives,
  ranking,
  reason,
  findings,
}: CausalityAnswer): Part[] {
  const step = (line: string): Part => ({ section: "First find out", line: `- ${line}` });
  const candidates = alternatives.length > 0 ? alternatives : ranking;
  const symptom = findings.find(({ kind }) => kind === "symptom");
  return [
    ...(reason === undefined ? [] : [step(`No cause is named: ${plain(reason)}`)]),
    ...(symptom === undefined ? [] : [step(`Seen: ${plain(symptom.text)}${shownBy(symptom.evidence[0])}`)]),
    ...candidates
      .slice(0, NAMES_MAX)
      .map(({ service, operation }) => step(`Look at ${plain(operation)} of ${plain(service)}.`)),
    ...missing_telemetry.map(({ text, spans }) => step(`${plain(text)}${shownBy(spans[0])}`)),
    step(
      'Give something to compare with: `configure {"action":"set_baseline","name":"usual","since":"-15m"}` while all is well.',
    ),
  ];
}

function shownBy(ref: { readonly trace_id?: string; readonly span_id?: string } | undefined): string {
  if (ref?.trace_id === undefined) return "";
  return ` (trace \`${ref.trace_id}\`${ref.span_id === undefined ? "" : `, span \`${ref.span_id}\``})`;
}
