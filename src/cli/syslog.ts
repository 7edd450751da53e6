import type { OtlpClient } from "../adapters/otlp-client.ts";
import { SYSLOG_PORT, type SyslogReceiver, startSyslog } from "../adapters/syslog.ts";
import { DEFAULTS } from "../config.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, type Terminal, textOption, untilStopped } from "./command.ts";

/** `gasoline syslog`: what programs and machines send as syslog, as logs. */
export const syslog: Command = {
  name: "syslog",
  summary: `receive syslog over UDP and TCP, on port ${SYSLOG_PORT} of this machine unless told otherwise`,
  usage: "",
  options: { port: { type: "string" }, host: { type: "string" }, ...CLIENT_OPTIONS },
  run: async (args, terminal) => {
    const { client } = await adapterClient(args, terminal);
    const host = textOption(args, "host") ?? DEFAULTS.host;
    const receiver = await startReceiver(textOption(args, "port"), client, terminal, host);
    await untilStopped(terminal.stop);
    await receiver.close();
    await closeClient(client, terminal);
    return 0;
  },
};

/** Listens, and tells on stderr where. `port` as it was given; absent: the usual one. */
export async function startReceiver(
  port: string | undefined,
  client: OtlpClient,
  terminal: Terminal,
  host: string = DEFAULTS.host,
): Promise<SyslogReceiver> {
  const number = port === undefined ? SYSLOG_PORT : Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new GasolineError(
      "bad_parameter",
      `Port "${port}" for syslog is not a number from 0 to 65535.`,
      `Leave it out for ${SYSLOG_PORT}.`,
    );
  }
  const receiver = await startSyslog({ host, port: number, client, clock: systemClock });
  terminal.stderr.write(`gasoline syslog: listening on ${host} port ${receiver.port}, UDP and TCP.\n`);
  return receiver;
}
