import { type Command, textOption } from "./command.ts";
import { daemonPlace, findOrStartDaemon, requireDaemon } from "./daemon.ts";

/** `gasoline mcp`: MCP over stdio, for a client that starts its servers itself. */
export const mcp: Command = {
  name: "mcp",
  summary: "speak MCP on stdin and stdout, attached to a running daemon or to one it starts",
  usage: "",
  options: { endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const { bridgeStdio } = await import("../mcp/stdio.ts");
    await bridgeStdio({
      find: () => requireDaemon(place),
      connect: () => findOrStartDaemon(place, terminal.stop),
      apiKey: place.apiKey,
      stop: terminal.stop,
      warn: (message) => terminal.stderr.write(`${message}\n`),
    });
    return 0;
  },
};
