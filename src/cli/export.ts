import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GasolineError } from "../model/errors.ts";
import { type Command, textOption } from "./command.ts";
import { daemonPlace, refusalOf, requireDaemon } from "./daemon.ts";

/** `gasoline export`: records with their secrets masked, in a file that `gasoline import` takes elsewhere. */
export const exportRecords: Command = {
  name: "export",
  summary:
    "write records into a file for another gasoline: a session, a trace, a window (SINCE/UNTIL), or all",
  usage: "",
  options: {
    session: { type: "string" },
    trace: { type: "string" },
    window: { type: "string" },
    output: { type: "string", short: "o" },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const scope = scopeOf(textOption(args, "session"), textOption(args, "trace"), textOption(args, "window"));
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    const response = await fetch(`${url}/api/export?${new URLSearchParams(scope)}`, {
      headers: place.apiKey === "" ? {} : { "x-api-key": place.apiKey },
    });
    if (!response.ok || response.body === null) throw refusalOf(await response.json(), response.status);
    const records = Readable.from(response.body);
    const file = textOption(args, "output");
    if (file === undefined) await pipeline(records, terminal.stdout, { end: false });
    else await writeFileWhole(records, file);
    return 0;
  },
};

function scopeOf(session: string | undefined, trace: string | undefined, window: string | undefined) {
  const [since, until, ...more] = window?.split("/") ?? [];
  if (more.length > 0 || since === "") {
    throw new GasolineError(
      "bad_parameter",
      `--window is ${JSON.stringify(window)}; expected SINCE/UNTIL or SINCE.`,
      "For example --window -15m, or --window 2026-01-31T10:00:00Z/2026-01-31T10:05:00Z.",
    );
  }
  return {
    ...(session === undefined ? {} : { session_id: session }),
    ...(trace === undefined ? {} : { trace_id: trace }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined || until === "" ? {} : { until }),
  };
}

/** A file of that name is there only when all of it is. */
async function writeFileWhole(records: Readable, file: string): Promise<void> {
  const part = `${file}.part`;
  try {
    await pipeline(records, createWriteStream(part, { mode: 0o600 }));
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw new GasolineError(
      "internal",
      `${file} could not be written: ${error instanceof Error ? error.message : String(error)}.`,
      "Check the folder and that the daemon still runs.",
    );
  }
}
