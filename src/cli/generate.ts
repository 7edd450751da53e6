import { writeFile } from "node:fs/promises";
import { FORMAT_NAMES } from "../generate/parameters.ts";
import { GasolineError } from "../model/errors.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

/** `gasoline generate FORMAT [KEY=VALUE …]`: the whole document on stdout, or with `-o` in a file. */
export const generate: Command = {
  name: "generate",
  summary: `write a document from what was received: ${FORMAT_NAMES.join(", ")} (scope as trace_id=… since=-15m)`,
  usage: "FORMAT [KEY=VALUE …]",
  options: {
    json: { type: "boolean" },
    output: { type: "string", short: "o" },
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
    const { content, summary } = answer as { readonly content: string; readonly summary: string };
    const document = flagOption(args, "json") === true ? JSON.stringify(answer, null, 2) : content.trimEnd();
    const file = textOption(args, "output");
    if (file === undefined) {
      terminal.stdout.write(`${document}\n`);
      return 0;
    }
    await writeFile(file, `${document}\n`).catch((error: Error) => {
      throw new GasolineError(
        "bad_parameter",
        `${file} cannot be written: ${error.message}.`,
        "Check the folder.",
      );
    });
    terminal.stderr.write(`${file}: ${summary}\n`);
    return 0;
  },
};
