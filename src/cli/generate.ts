import { FORMAT_NAMES } from "../generate/parameters.ts";
import { GasolineError } from "../model/errors.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/** `gasoline generate FORMAT [KEY=VALUE …]`: the document itself on stdout, in full, to be sent into a file. */
export const generate: Command = {
  name: "generate",
  summary: `write a document from what was received: ${FORMAT_NAMES.join(", ")} (scope as trace_id=… since=-15m)`,
  usage: "FORMAT [KEY=VALUE …]",
  options: {
    json: { type: "boolean" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const [format, ...words] = args.positionals;
    if (format === undefined) {
      throw new GasolineError(
        "bad_parameter",
        "generate needs a format.",
        `Formats: ${FORMAT_NAMES.join(", ")}.`,
      );
    }
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    const answer = await askDaemon(url, "/api/generate", place.apiKey, { ...keyValues(words), format });
    terminal.stdout.write(
      flagOption(args, "json") === true
        ? `${JSON.stringify(answer, null, 2)}\n`
        : `${(answer as { content: string }).content}\n`,
    );
    return 0;
  },
};
