import type { TelemetryStore } from "../store/telemetry-store.ts";
import { fitToBudget } from "./budget.ts";
import { deleteCheckpoint, listCheckpoints, saveCheckpoint, setBaseline } from "./configure-checkpoints.ts";
import { describeCapabilities, lookOver } from "./configure-doctor.ts";
import { registerEdgeCase, writeProposals } from "./configure-files.ts";
import { changeNoise } from "./configure-noise.ts";
import type { Action, ConfigureRequest } from "./configure-parameters.ts";
import { addRedaction, clearBuffer } from "./configure-store.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { renderText } from "./render/text.ts";
import { lineChars } from "./reply.ts";
import { replyBytes } from "./reply-bytes.ts";
import type { ObserveContext, ObserveResponse, Row } from "./shapes.ts";
import { streamingElsewhere } from "./streaming.ts";

/** What actions know of their surroundings. */
export interface ConfigureContext extends ObserveContext {
  /** What can be generated, from the room above. */
  readonly formats?: readonly string[];
}

/** What an action is called with. */
export interface ConfigureQuestion {
  readonly store: TelemetryStore;
  readonly request: ConfigureRequest;
  readonly context: ConfigureContext;
}

/** What an action did. */
export interface Outcome {
  /** The conclusion; holds no text of telemetry. */
  readonly summary: string;
  readonly rows: readonly Row[];
  /** Calls that lead on. */
  readonly next?: readonly string[];
}

/** A reply, in the shape of every other one. */
export interface ConfigureResponse extends ObserveResponse {
  readonly action: Action;
}

const RUN: { readonly [A in Action]: (question: ConfigureQuestion) => Promise<Outcome> } = {
  save_checkpoint: saveCheckpoint,
  set_baseline: setBaseline,
  list_checkpoints: listCheckpoints,
  delete_checkpoint: deleteCheckpoint,
  clear: clearBuffer,
  noise_rule: changeNoise,
  redaction_rule: addRedaction,
  register_edge_case: registerEdgeCase,
  learn_contracts: writeProposals,
  streaming: streamingElsewhere,
  describe_capabilities: describeCapabilities,
  doctor: lookOver,
};

/**
 * Changes what gasoline keeps and how: the one entry for MCP, REST and the CLI. Throws GasolineError: `bad_parameter`,
 * `not_found`, `evicted`, `before_restart`, `too_large`, and `internal` for a folder that cannot be written.
 */
export async function configure(
  store: TelemetryStore,
  request: ConfigureRequest,
  context: ConfigureContext,
): Promise<{ readonly structured: ConfigureResponse; readonly text: string }> {
  const startedMs = context.clock.nowMs();
  const outcome = await RUN[request.action]({ store, request, context });
  return layOut(request, outcome, context.clock.nowMs() - startedMs, context);
}

/** An outcome as a reply within the budget that was asked for. */
export function layOut(
  { action, budgetBytes }: Pick<ConfigureRequest, "action" | "budgetBytes">,
  outcome: Outcome,
  elapsedMs: number,
  context: Pick<ObserveContext, "textOnly">,
): { readonly structured: ConfigureResponse; readonly text: string } {
  const build = (rows: number, detail: Detail) => replyOf(action, outcome, elapsedMs, rows, detail);
  return fitToBudget({ rowsMax: outcome.rows.length, build }, budgetBytes, (reply) =>
    replyBytes(reply, context),
  );
}

function replyOf(
  action: Action,
  { summary, rows, next }: Outcome,
  elapsedMs: number,
  rowsMax: number,
  detail: Detail,
): { readonly structured: ConfigureResponse; readonly text: string } {
  const shown = rows.slice(0, rowsMax);
  const left = rows.length - shown.length;
  const structured: ConfigureResponse = {
    action,
    summary,
    rows: shown,
    metadata: {
      total_count: rows.length,
      shown: shown.length,
      query_time_ms: elapsedMs,
      horizon: null,
      ...(left > 0 ? { left_out: `${left} of ${rows.length} rows.` } : {}),
      ...(next === undefined ? {} : { next }),
    },
  };
  return {
    structured,
    text: renderText(
      structured,
      shown.map((row) => rowLine(row, lineChars(detail))),
    ),
  };
}

/** `name: value; name: value`, cleaned, without what is empty. */
function rowLine(row: Row, charsMax: number): string {
  const parts = Object.entries(row).flatMap(([field, value]) => {
    if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return [];
    return [`${field.replaceAll("_", " ")}: ${typeof value === "string" ? value : JSON.stringify(value)}`];
  });
  return clean(`- ${parts.join("; ")}`, charsMax);
}
