import { GasolineError } from "../model/errors.ts";
import { WHATS } from "../query/parameters.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/** `gasoline observe WHAT key=value …`: the same questions and answers as the MCP tool. */
export const observe: Command = {
  name: "observe",
  summary: `ask what was received: ${WHATS.join(", ")} (filters as key=value)`,
  usage: "WHAT [KEY=VALUE …]",
  options: {
    json: { type: "boolean" },
    limit: { type: "string" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const [what, ...filters] = args.positionals;
    if (what === undefined)
      throw new GasolineError(
        "bad_parameter",
        "observe needs to know what.",
        "Try `gasoline observe traces`.",
      );
    const parameters = new URLSearchParams({ ...keyValues(filters), what });
    const limit = textOption(args, "limit");
    if (limit !== undefined) parameters.set("limit", limit);
    const json = flagOption(args, "json") === true;
    if (!json) parameters.set("format", "text");
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    const answer = await askDaemon(url, `/api/observe?${parameters}`, place.apiKey);
    terminal.stdout.write(
      json ? `${JSON.stringify(answer, null, 2)}\n` : `${(answer as { text: string }).text}\n`,
    );
    return 0;
  },
};
