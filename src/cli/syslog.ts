import type { OtlpClient } from "../adapters/otlp-client.ts";
import { type SyslogReceiver, startSyslog } from "../adapters/syslog.ts";
import { DEFAULT_SYSLOG_PORT, DEFAULTS } from "../config.ts";
import { parsePort } from "../load-config.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, type Terminal, textOption, untilStopped } from "./command.ts";

/** `gasoline syslog`: what programs and machines send as syslog, as logs. */
export const syslog: Command = {
  name: "syslog",
  summary: `receive syslog over UDP and TCP, on port ${DEFAULT_SYSLOG_PORT} of this machine unless told otherwise`,
  usage: "",
  options: { port: { type: "string" }, host: { type: "string" }, ...CLIENT_OPTIONS },
  run: async (args, terminal) => {
    const port = parsePort(textOption(args, "port") ?? String(DEFAULT_SYSLOG_PORT));
    const { client } = await adapterClient(args, terminal);
    const receiver = await startReceiver(port, client, terminal, textOption(args, "host"));
    await untilStopped(terminal.stop);
    await receiver.close();
    await closeClient(client, terminal);
    return 0;
  },
};

/** Listens, and tells on stderr where. */
export async function startReceiver(
  port: number,
  client: OtlpClient,
  terminal: Terminal,
  host: string = DEFAULTS.host,
): Promise<SyslogReceiver> {
  const receiver = await startSyslog({ host, port, client, clock: systemClock });
  terminal.stderr.write(`gasoline syslog: listening on ${host} port ${receiver.port}, UDP and TCP.\n`);
  return receiver;
}
