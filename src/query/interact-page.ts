import type { PageState } from "../model/browser.ts";
import { notPaired } from "./browser-link.ts";
import { clean } from "./render/clean.ts";
import { count } from "./render/units.ts";
import { type Body, type Draft, lineChars, type Question } from "./reply.ts";
import { shrink } from "./shrink.ts";

const TIMEOUT_MS = 10_000;

/** `title, URL` of a page and its tree's first lines, as text. */
export function pageLines(page: PageState, shown: number, charsMax: number): string[] {
  return [`${page.title}, ${page.url} (tab ${page.tab_id})`, ...page.lines.slice(0, shown)].map((line) =>
    clean(line, charsMax),
  );
}

export function pageSummary(page: PageState): string {
  return `The page has ${count(page.lines.length + page.lines_left_out, "element")}; each line: role "name" [state] → selector.`;
}

/** What is not shown of a page, in words; nothing when all of it is. */
export function leftOutOfPage({ lines, lines_left_out }: PageState, shown: number): string[] {
  const left = lines.length - shown + lines_left_out;
  return left === 0
    ? []
    : [`${left} of ${count(lines.length + lines_left_out, "line")} of the page; give more budget_bytes.`];
}

/** The current page of the paired browser, a row a line. Throws GasolineError `not_paired` without one. */
export async function observePage({ context }: Question): Promise<Draft> {
  const { browser, clock } = context;
  if (browser === undefined) throw notPaired({ connected: false });
  const { page } = await browser.run({ name: "page" }, TIMEOUT_MS);
  const nowNs = BigInt(clock.nowMs()) * 1_000_000n;
  const build = (rows: number, detail: Parameters<Draft["build"]>[1]): Body => {
    const { title, url, tab_id } = page;
    const head = shrink({ tab_id, title, url }, 1, detail, nowNs).value as object;
    const lines = shrink(page.lines.slice(0, rows), rows, detail, nowNs).value as string[];
    const left = leftOutOfPage(page, rows);
    return {
      summary: pageSummary(page),
      rows: [{ ...head, lines }],
      lines: pageLines(page, rows, lineChars(detail)),
      metadata: {
        total_count: page.lines.length + page.lines_left_out,
        shown: rows,
        horizon: null,
        ...(left.length === 0 ? {} : { left_out: left.join(" ") }),
        next: ['interact {"action":"explore","steps":[{"type":"click","target":"…"}]}'],
      },
    };
  };
  return { rowsMax: page.lines.length, build };
}
