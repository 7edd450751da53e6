import { FORMAT_NAMES } from "../generate/parameters.ts";
import { configure } from "../query/configure.ts";
import { ACTIONS, configureSchema, parseConfigure } from "../query/configure-parameters.ts";
import type { Tool } from "./tool.ts";

const LIST = Object.entries(ACTIONS)
  .map(([action, about]) => `${action} (${about})`)
  .join(", ");

/** `configure`: what is kept, and how. */
export const configureTool: Tool = {
  name: "configure",
  title: "Configure what is kept",
  description: `Keeps checkpoints and baselines, masks, clears. Actions: ${LIST}.
Example: {"action":"set_baseline","name":"usual","since":"-15m"}
Without a window (since, until) or filter: all that is held. clear and delete_checkpoint cannot be undone.`,
  schema: configureSchema,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
  run: async (input, { store, clock, config, endpoint, analyst, state, browser }) => {
    const request = parseConfigure(input);
    const budgetBytes = Math.min(request.budgetBytes ?? config.replyBytes, config.replyBytesMax);
    return configure(
      store,
      { ...request, budgetBytes },
      {
        clock,
        endpoint,
        analyst,
        state,
        browser,
        formats: FORMAT_NAMES,
      },
    );
  },
};
