import { readFileSync } from "node:fs";
import { GasolineError } from "../model/errors.ts";
import { INTERACTION_NAMES } from "../query/interact-parameters.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/** `gasoline interact ACTION [NAME] [KEY=VALUE …]`: the same requests and replies as the MCP tool. */
export const interact: Command = {
  name: "interact",
  summary: `act in the paired browser: ${INTERACTION_NAMES.join(", ")} (steps='[{"type":"click","target":"aria/Pay"}]'); exit code 1 when a step failed`,
  usage: "ACTION [NAME] [KEY=VALUE …]",
  options: {
    stop: { type: "boolean" },
    "keep-going": { type: "boolean" },
    patch: { type: "string" },
    json: { type: "boolean" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const [action, ...words] = args.positionals;
    if (action === undefined) {
      throw new GasolineError(
        "bad_parameter",
        "interact needs an action.",
        `Actions: ${INTERACTION_NAMES.join(", ")}.`,
      );
    }
    const named = words[0] !== undefined && !words[0].includes("=");
    const patch = textOption(args, "patch");
    const { stop, image, accessibility, keep_going, tab_id, ...values } = keyValues(
      named ? words.slice(1) : words,
    );
    const input = {
      ...values,
      ...(named ? { name: words[0] } : {}),
      ...(tab_id === undefined ? {} : { tab_id: Number(tab_id) }),
      ...(patch === undefined ? {} : { patch: readPatch(patch) }),
      stop: flagOption(args, "stop") ?? stop === "true",
      keep_going: flagOption(args, "keep-going") ?? keep_going === "true",
      image: image === "true",
      accessibility: accessibility === "true",
      action,
    };
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    const isJson = flagOption(args, "json") === true;
    const path = isJson ? "/api/interact" : "/api/interact?format=text";
    const answer = (await askDaemon(url, path, place.apiKey, input)) as { text: string; verdict: string };
    terminal.stdout.write(`${isJson ? JSON.stringify(answer, null, 2) : answer.text}\n`);
    return answer.verdict === "failed" ? 1 : 0;
  },
};

/** A file, or `-` for what is piped in. */
function readPatch(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GasolineError(
      "bad_parameter",
      `The patch cannot be read: ${why}.`,
      "Give a file, or - for stdin.",
    );
  }
}
