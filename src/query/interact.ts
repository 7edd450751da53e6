import type { PageState } from "../model/browser.ts";
import { msToNs } from "../model/time.ts";
import type { Browser } from "./browser-link.ts";
import { fitToBudget } from "./budget.ts";
import { explore, page, record, replay, screenshot } from "./interact-actions.ts";
import { applyChanges } from "./interact-apply.ts";
import type { Item } from "./interact-lines.ts";
import { leftOutOfPage, pageLines } from "./interact-page.ts";
import type { Interaction, InteractRequest } from "./interact-parameters.ts";
import type { Detail } from "./normalize.ts";
import { renderText } from "./render/text.ts";
import { lineChars } from "./reply.ts";
import { replyBytes } from "./reply-bytes.ts";
import type { ObserveContext, ObserveResponse, Row } from "./shapes.ts";
import { shrink } from "./shrink.ts";

/** What actions work with beside what every question does. */
export interface InteractContext extends ObserveContext {
  readonly browser: Browser;
  readonly stateDir: string;
  /** The folder that apply_changes may change, and whether it may. */
  readonly workspace: string;
  readonly allowEdits: boolean;
  /** Puts a body of OTLP/JSON logs in at the daemon's own door. */
  readonly sendLogs: (body: object) => Promise<void>;
}

/** What an action is called with. */
export interface InteractQuestion {
  readonly request: InteractRequest;
  readonly context: InteractContext;
}

export interface Image {
  readonly mime: string;
  /** Base64. */
  readonly data: string;
}

/** What an action came to. */
export interface InteractOutcome {
  /** The conclusion; holds no text of a page. */
  readonly summary: string;
  /** `failed` ends a script with exit code 1. */
  readonly verdict: "ok" | "healed" | "failed";
  readonly items?: readonly Item[];
  readonly page?: PageState;
  readonly next?: readonly string[];
  readonly image?: Image;
}

/** A reply, in the shape of every other one. */
export interface InteractResponse extends ObserveResponse {
  readonly action: Interaction;
  readonly verdict: InteractOutcome["verdict"];
  /** As PageState, with the lines that fit. */
  readonly page?: Row;
}

export interface InteractAnswer {
  readonly structured: InteractResponse;
  readonly text: string;
  /** Beyond the budget, since it was asked for. */
  readonly image?: Image;
}

const RUN: { readonly [A in Interaction]: (question: InteractQuestion) => Promise<InteractOutcome> } = {
  explore,
  record,
  replay,
  page,
  screenshot,
  apply_changes: applyChanges,
};

/**
 * Acts in the paired browser or on the workspace: the one entry for MCP, REST and the CLI. A step that fails is an
 * answer. Throws GasolineError: `not_paired`, `bad_parameter`, `not_found`, `not_allowed`, `overloaded`, `timed_out`,
 * `browser_failed`, and `internal` for a folder that cannot be written.
 */
export async function interact(request: InteractRequest, context: InteractContext): Promise<InteractAnswer> {
  const startedMs = context.clock.nowMs();
  const outcome = await RUN[request.action]({ request, context });
  const elapsedMs = context.clock.nowMs() - startedMs;
  const nowNs = msToNs(context.clock.nowMs());
  const build = (rows: number, detail: Detail) =>
    replyOf(request.action, outcome, elapsedMs, rows, detail, nowNs);
  const rowsMax = (outcome.items?.length ?? 0) + (outcome.page?.lines.length ?? 0);
  const reply = fitToBudget({ rowsMax, build }, request.budgetBytes, (each) => replyBytes(each, context));
  return outcome.image === undefined ? reply : { ...reply, image: outcome.image };
}

/** `rows` counts the items first, then the lines of the page. */
function replyOf(
  action: Interaction,
  { summary, verdict, items = [], page, next }: InteractOutcome,
  elapsedMs: number,
  rows: number,
  detail: Detail,
  nowNs: bigint,
): InteractAnswer {
  const shown = items.slice(0, rows);
  const pageRows = Math.max(0, rows - items.length);
  const charsMax = lineChars(detail);
  const shorten = (value: Row): Row => shrink(value, Number.POSITIVE_INFINITY, detail, nowNs).value as Row;
  const left = [
    ...(shown.length < items.length ? [`${items.length - shown.length} of ${items.length} rows.`] : []),
    ...(page === undefined ? [] : leftOutOfPage(page, pageRows)),
  ].join(" ");
  const structured: InteractResponse = {
    action,
    summary,
    verdict,
    rows: shown.map((item) => shorten(item.row)),
    ...(page === undefined ? {} : { page: shorten({ ...page, lines: page.lines.slice(0, pageRows) }) }),
    metadata: {
      total_count: items.length,
      shown: shown.length,
      query_time_ms: elapsedMs,
      horizon: null,
      ...(left === "" ? {} : { left_out: left }),
      ...(next === undefined ? {} : { next }),
    },
  };
  const lines = shown.flatMap((item) => item.lines(charsMax));
  if (page !== undefined) lines.push(...pageLines(page, pageRows, charsMax));
  return { structured, text: renderText(structured, lines) };
}
