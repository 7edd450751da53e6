import { type DockerLogs, followContainers } from "../adapters/docker.ts";
import { dockerEngine } from "../adapters/docker-engine.ts";
import type { OtlpClient } from "../adapters/otlp-client.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, flagOption, type Terminal, untilStopped } from "./command.ts";

/** `gasoline docker [NAME…]`: the logs of containers. */
export const docker: Command = {
  name: "docker",
  summary: "send the logs of containers, named by name, Compose service or id; all without names",
  usage: "[NAME …]",
  options: { "from-start": { type: "boolean" }, ...CLIENT_OPTIONS },
  run: async (args, terminal) => {
    const { client } = await adapterClient(args, terminal);
    const fromStart = flagOption(args, "from-start") === true;
    const logs = startDocker(args.positionals, client, terminal, fromStart);
    await untilStopped(terminal.stop);
    await logs.close();
    await closeClient(client, terminal);
    return 0;
  },
};

/** Follows containers, telling on stderr which. */
export function startDocker(
  names: readonly string[],
  client: OtlpClient,
  terminal: Terminal,
  fromStart = false,
): DockerLogs {
  return followContainers({
    ...{ engine: dockerEngine(terminal.env), names, fromStart, client, clock: systemClock },
    tell: (message) => terminal.stderr.write(`gasoline docker: ${message}\n`),
  });
}
