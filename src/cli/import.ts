import { readFile } from "node:fs/promises";
import type { ImportBody } from "../http/api-types.ts";
import { GasolineError } from "../model/errors.ts";
import { type Arguments, type Command, type Terminal, textOption } from "./command.ts";
import { daemonPlace, refusalOf, requireDaemon } from "./daemon.ts";

/** Takes one kind of file in and says what was taken. Throws GasolineError when the file is not of that kind. */
type Import = (file: string, args: Arguments, terminal: Terminal) => Promise<string>;

/** What can be imported besides the files of `gasoline export`: `gasoline import KIND FILE`. */
const KINDS: { readonly [kind: string]: Import } = {
  records: importRecords,
  junit: async (...given) => (await import("./import-tests.ts")).importTestReport("junit", ...given),
  tap: async (...given) => (await import("./import-tests.ts")).importTestReport("tap", ...given),
};

/** `gasoline import FILE`: what `gasoline export` wrote, through the same door as everything. */
export const importFile: Command = {
  name: "import",
  summary: "take in a file that `gasoline export` wrote, or a report of tests (JUnit XML, TAP)",
  usage: `[${Object.keys(KINDS).join("|")}] FILE`,
  options: { endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const [kind, file] = args.positionals.length > 1 ? args.positionals : ["records", ...args.positionals];
    const take = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (take === undefined || file === undefined) {
      throw new GasolineError(
        "bad_parameter",
        file === undefined ? "import needs a file." : `"${kind}" cannot be imported.`,
        `Kinds: ${Object.keys(KINDS).join(", ")}. For example \`gasoline import export.gasoline.jsonl\`.`,
      );
    }
    terminal.stdout.write(`${await take(file, args, terminal)}\n`);
    return 0;
  },
};

async function importRecords(file: string, args: Arguments, terminal: Terminal): Promise<string> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw new GasolineError("not_found", `${file} cannot be read: ${error.message}.`, "Check its name.");
  });
  const place = daemonPlace(
    { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
    terminal.env,
  );
  const url = await requireDaemon(place);
  const response = await fetch(`${url}/api/import`, {
    method: "POST",
    headers: {
      "content-type": "application/x-ndjson",
      ...(place.apiKey === "" ? {} : { "x-api-key": place.apiKey }),
    },
    body: new Uint8Array(bytes),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw refusalOf(answer, response.status);
  const { bodies } = answer as ImportBody;
  return `Took ${file}: ${bodies} OTLP request${bodies === 1 ? "" : "s"}. \`gasoline observe traces\` lists what is held now.`;
}
