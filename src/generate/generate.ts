import { GasolineError } from "../model/errors.ts";
import { fitToBudget } from "../query/budget.ts";
import { fence } from "../query/render/clean.ts";
import { count } from "../query/render/units.ts";
import { replyBytes } from "../query/reply-bytes.ts";
import type { ObserveContext } from "../query/shapes.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import { harOf, harText, requestSpans } from "./har.ts";
import { planRepair } from "./implementation-plan.ts";
import type { Format, GenerateRequest } from "./parameters.ts";
import { writeTest } from "./playwright-test.ts";
import { summarizeChange } from "./pr-summary.ts";
import { type GenerateQuestion, readRequests } from "./records.ts";
import { reproduce } from "./reproduction.ts";
import { errorsAsSarif } from "./sarif.ts";

/** What a generator made, ready to be written in any length: the budget decides which. */
export interface Artifact {
  readonly fileName: string;
  readonly mediaType: string;
  /** What it shows, in one sentence without any text of telemetry. */
  readonly about: string;
  /** What is counted in it, for what was left out: `request`. */
  readonly noun: string;
  readonly rowsMax: number;
  /** The document with its first so many parts. Holds nothing that could close the fence of a reply. */
  readonly write: (rows: number) => string;
  readonly next: readonly string[];
}

/** A reply. `content` is the whole document, to be saved as `file_name`. */
export interface GenerateResponse {
  readonly format: Format;
  readonly summary: string;
  readonly file_name: string;
  readonly media_type: string;
  readonly content: string;
  readonly metadata: {
    readonly total_count: number;
    readonly shown: number;
    readonly query_time_ms: number;
    readonly left_out?: string;
    readonly next: readonly string[];
  };
}

const WRITE: { readonly [F in Format]: (question: GenerateQuestion) => Promise<Artifact> } = {
  test: writeTest,
  har: archive,
  pr_summary: summarizeChange,
  reproduction: reproduce,
  implementation_plan: planRepair,
  sarif: errorsAsSarif,
};

/**
 * Writes a document from what was received: the one entry for MCP, REST and the CLI. Throws GasolineError:
 * `bad_parameter`, `not_found` when there is nothing to write of, `evicted`, `before_restart`.
 */
export async function generate(
  store: TelemetryStore,
  request: GenerateRequest,
  context: ObserveContext,
): Promise<{ readonly structured: GenerateResponse; readonly text: string }> {
  const startedMs = context.clock.nowMs();
  const artifact = await WRITE[request.format]({ store, request, context });
  const elapsedMs = context.clock.nowMs() - startedMs;
  const build = (rows: number) => replyOf(request.format, artifact, elapsedMs, rows);
  return fitToBudget({ rowsMax: artifact.rowsMax, build }, request.budgetBytes, (reply) =>
    replyBytes(reply, context),
  );
}

function replyOf(
  format: Format,
  { fileName, mediaType, about, noun, rowsMax, write, next }: Artifact,
  elapsedMs: number,
  rows: number,
): { readonly structured: GenerateResponse; readonly text: string } {
  const content = write(rows);
  const left = rowsMax - rows;
  const leftOut = `${count(left, noun)} of ${rowsMax}, for want of room: run \`gasoline generate ${format} …\` or POST /api/generate for all of it.`;
  const structured: GenerateResponse = {
    format,
    summary: about,
    file_name: fileName,
    media_type: mediaType,
    content,
    metadata: {
      total_count: rowsMax,
      shown: rows,
      query_time_ms: elapsedMs,
      ...(left > 0 ? { left_out: leftOut } : {}),
      next,
    },
  };
  const parts = [about, fence([content])];
  if (left > 0) parts.push(`Left out: ${leftOut}`);
  for (const call of next) parts.push(`Next: ${call}`);
  return { structured, text: parts.join("\n") };
}

async function archive(question: GenerateQuestion): Promise<Artifact> {
  const { spans, total } = await readRequests(question);
  const requests = requestSpans(spans);
  if (requests.length === 0) {
    throw new GasolineError(
      "not_found",
      "No HTTP request of that scope is held.",
      'Spans with http.request.method make requests; observe {"what":"traces"} lists what is held.',
    );
  }
  const cut = total > spans.length ? ` The newest ${spans.length} of ${total} request spans were read.` : "";
  return {
    fileName: "requests.har",
    mediaType: "application/json",
    about: `HAR 1.2 of ${count(requests.length, "request")}, each once: from its asking side where that is held. Secrets are masked.${cut}`,
    noun: "request",
    rowsMax: requests.length,
    write: (rows) => harText(harOf(requests.slice(0, rows), question.request.description)),
    next: [],
  };
}
