import { observe } from "../query/observe.ts";
import { observeSchema, parseObserve } from "../query/parameters.ts";
import type { Tool } from "./tool.ts";

/** `observe`: what was received. */
export const observeTool: Tool = {
  name: "observe",
  title: "Observe what was received",
  description: `Shows recorded telemetry: traces (list), trace (one as a tree, what failed first on top), errors (each once, where it began), code (source behind an error, route, service or file: last change, tests), logs, timeline (spans and logs in order), services (who calls whom), metrics, tests, git; of pages: network_waterfall (with the server side of each request), network_bodies, websocket_events, actions, vitals, screenshots; causality, correlation and impact_analysis answer as analyze does.
Example: {"what":"errors","filter":{"service":"payment","since":"-15m"}}
All filters must hold. Ids of a reply (s…, l…, 8 digits of a trace) can be passed back as filter.span_id, filter.id, filter.trace_id. Replies say what they left out.`,
  schema: observeSchema,
  hints: { readOnlyHint: true, idempotentHint: true },
  run: async (input, { store, clock, config, endpoint, analyst, state, source }) => {
    const query = parseObserve(input);
    const budgetBytes = Math.min(query.budgetBytes ?? config.replyBytes, config.replyBytesMax);
    return observe(store, { ...query, budgetBytes }, { clock, endpoint, analyst, state, source });
  },
};
