import { observe } from "../query/observe.ts";
import { observeSchema, parseObserve, WHATS, type What } from "../query/parameters.ts";
import type { Tool } from "./tool.ts";

/** What each mode shows, in a few words for lists. */
export const OBSERVED: Readonly<Record<What | "code" | "page", string>> = {
  traces: "list",
  trace: "one as a tree, what failed first on top",
  timeline: "spans and logs in order",
  logs: "log records",
  errors: "each once, where it began",
  services: "who calls whom",
  metrics: "series with their last value",
  tests: "test runs",
  git: "commits, checkouts, changed files",
  code: "source behind errors, or a file",
  page: "of the browser, as an accessibility tree",
  network_waterfall: "HTTP requests with their server side",
  network_bodies: "captured bodies",
  websocket_events: "of pages",
  actions: "what the user did in the page",
  vitals: "web vitals",
  screenshots: "of pages",
  correlation: "as analyze correlate",
  correlations: "the same",
  causality: "as analyze causality_chain",
  impact_analysis: "as analyze does",
};

/** The second spelling of correlation need not be told. */
const LIST = WHATS.filter((what) => what !== "correlations")
  .map((what) => `${what} (${OBSERVED[what]})`)
  .join(", ");

/** `observe`: what was received. */
export const observeTool: Tool = {
  name: "observe",
  title: "Observe what was received",
  description: `Shows recorded telemetry: ${LIST}.
Example: {"what":"errors","filter":{"service":"payment","since":"-15m"}}
All filters must hold. Ids of replies (s…, l…, 8 digits of a trace) serve as filter.span_id, filter.id, filter.trace_id.`,
  schema: observeSchema,
  hints: { readOnlyHint: true, idempotentHint: true },
  run: async (input, { store, clock, config, endpoint, analyst, state, source, browser }) => {
    const query = parseObserve(input);
    const budgetBytes = Math.min(query.budgetBytes ?? config.replyBytes, config.replyBytesMax);
    return observe(store, { ...query, budgetBytes }, { clock, endpoint, analyst, state, source, browser });
  },
};
