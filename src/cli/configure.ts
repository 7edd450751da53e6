import { GasolineError } from "../model/errors.ts";
import { ACTION_NAMES } from "../query/configure-parameters.ts";
import type { Row } from "../query/shapes.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/** `gasoline configure ACTION [NAME] [KEY=VALUE …]`: the same requests and replies as the MCP tool. */
export const configure: Command = {
  name: "configure",
  summary: `change what is kept: ${ACTION_NAMES.join(", ")} (scope as since=-15m service=cart; rule='{"key":"card"}')`,
  usage: "ACTION [NAME] [KEY=VALUE …]",
  options: {
    json: { type: "boolean" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const [action, ...words] = args.positionals;
    if (action === undefined) {
      throw new GasolineError(
        "bad_parameter",
        "configure needs an action.",
        `Actions: ${ACTION_NAMES.join(", ")}.`,
      );
    }
    const [first] = words;
    const name = first === undefined || first.includes("=") ? undefined : first;
    const input = {
      ...keyValues(name === undefined ? words : words.slice(1)),
      ...(name === undefined ? {} : { name }),
      action,
    };
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    if (flagOption(args, "json") === true) {
      const answer = await askDaemon(url, "/api/configure", place.apiKey, input);
      terminal.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      const { rows = [] } = answer as { readonly rows?: readonly Row[] };
      return rows.some(({ state }) => state === "wrong") ? 1 : 0;
    }
    const answer = await askDaemon(url, "/api/configure?format=text", place.apiKey, input);
    terminal.stdout.write(`${(answer as { text: string }).text}\n`);
    return 0;
  },
};
