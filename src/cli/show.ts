import { GasolineError } from "../model/errors.ts";
import { type Command, flagOption, textOption } from "./command.ts";
import { askDaemon, daemonPlace, requireDaemon } from "./daemon.ts";

/** `gasoline show TRACE`: one trace as a tree, by its id or the first 8 digits of it. */
export const show: Command = {
  name: "show",
  summary: "print one trace as a tree",
  usage: "TRACE",
  options: { json: { type: "boolean" }, endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const [traceId] = args.positionals;
    if (traceId === undefined) {
      throw new GasolineError(
        "bad_parameter",
        "show needs a trace id.",
        "`gasoline observe traces` lists them; 8 hex digits are enough.",
      );
    }
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const url = await requireDaemon(place);
    if (flagOption(args, "json") === true) {
      const tree = await askDaemon(url, `/api/traces/${encodeURIComponent(traceId)}`, place.apiKey);
      terminal.stdout.write(`${JSON.stringify(tree, null, 2)}\n`);
      return 0;
    }
    const answer = await askDaemon(url, "/api/observe?format=text", place.apiKey, {
      what: "trace",
      filter: { trace_id: traceId },
      budget_bytes: SCREEN_BYTES,
    });
    terminal.stdout.write(`${(answer as { text: string }).text}\n`);
    return 0;
  },
};

/** A person scrolls: far more than an agent gets, and still not a flood. */
const SCREEN_BYTES = 100_000;
