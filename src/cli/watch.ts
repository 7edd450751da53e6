import type { NormalizedEvent } from "../model/event.ts";
import type { Level } from "../model/log.ts";
import { parseObserve } from "../query/parameters.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { daemonPlace, refusalOf, requireDaemon } from "./daemon.ts";
import { keyValues } from "./key-values.ts";

const RESET = "\u001b[0m";
const COLOURS: Readonly<Partial<Record<Level, string>>> = {
  debug: "\u001b[2m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
  critical: "\u001b[1;31m",
};
const PAUSE_MS = 1_000;

/** `gasoline watch [key=value …]`: what arrives, line by line, until Ctrl-C. */
export const watch: Command = {
  name: "watch",
  summary: "follow what arrives, like tail -f (filters as key=value; what=logs, what=errors)",
  usage: "[KEY=VALUE …]",
  options: { json: { type: "boolean" }, endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const filters = keyValues(args.positionals);
    // Refused here, so that a wrong filter is not taken for a daemon that went away.
    parseObserve({ what: "timeline", ...filters });
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const asJson = flagOption(args, "json") === true;
    const coloured = (terminal.stdout as NodeJS.WriteStream).isTTY === true && !terminal.env.NO_COLOR;
    let url = await requireDaemon(place);
    while (!terminal.stop.aborted) {
      try {
        for await (const { event, data } of serverEvents(url, filters, place.apiKey, terminal.stop)) {
          if (event === "dropped") {
            terminal.stderr.write(
              `gasoline: ${(data as { records: number }).records} records came too fast and were left out.\n`,
            );
          } else if (event === "record") {
            const { line, ...record } = data as NormalizedEvent & { readonly line: string };
            terminal.stdout.write(
              asJson ? `${JSON.stringify(record)}\n` : `${paint(line, record.level, coloured)}\n`,
            );
          }
        }
      } catch (error) {
        if (terminal.stop.aborted) break;
        if (!(error instanceof TypeError)) throw error;
      }
      if (terminal.stop.aborted) break;
      terminal.stderr.write("gasoline: the daemon went away; waiting for it.\n");
      url = (await nextDaemon(place, terminal.stop)) ?? url;
    }
    return 0;
  },
};

function paint(line: string, level: Level, coloured: boolean): string {
  const colour = COLOURS[level];
  return coloured && colour !== undefined ? colour + line + RESET : line;
}

async function nextDaemon(
  place: Parameters<typeof requireDaemon>[0],
  stop: AbortSignal,
): Promise<string | undefined> {
  while (!stop.aborted) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    try {
      return await requireDaemon(place);
    } catch {
      // Not there yet: it is what we wait for.
    }
  }
  return undefined;
}

/** The messages of `GET /api/stream`, until it ends. Throws TypeError when the connection breaks. */
async function* serverEvents(
  url: string,
  filters: Readonly<Record<string, string>>,
  apiKey: string,
  stop: AbortSignal,
): AsyncIterable<{ readonly event: string; readonly data: unknown }> {
  const response = await fetch(`${url}/api/stream?${new URLSearchParams(filters)}`, {
    signal: stop,
    headers: apiKey === "" ? {} : { "x-api-key": apiKey },
  });
  if (!response.ok) throw refusalOf(await response.json(), response.status);
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const messages = text.split("\n\n");
    text = messages.pop()!;
    for (const message of messages) {
      const event = /^event: (.*)$/m.exec(message)?.[1];
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) as unknown };
    }
  }
}
