import { type ClientStats, createOtlpClient, type OtlpClient } from "../adapters/otlp-client.ts";
import { DEFAULT_PORT } from "../config.ts";
import { systemClock } from "../model/time.ts";
import { type Arguments, type Terminal, textOption } from "./command.ts";
import { type DaemonPlace, daemonPlace, findDaemon } from "./daemon.ts";

/** What a command needs to send as an OTLP client of the daemon. */
export interface AdapterClient {
  readonly client: OtlpClient;
  readonly place: DaemonPlace;
  /** Where the daemon is, or where one would be. */
  readonly endpoint: string;
  readonly running: boolean;
}

/** Options that every command with a client takes. */
export const CLIENT_OPTIONS = { endpoint: { type: "string" }, "state-dir": { type: "string" } } as const;

/**
 * Makes the client, with a note to the user when no daemon runs: what is read waits until one does, and is sent to
 * wherever it then is.
 */
export async function adapterClient(args: Arguments, terminal: Terminal): Promise<AdapterClient> {
  const place = daemonPlace(
    { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
    terminal.env,
  );
  const find = (): Promise<string | undefined> => findDaemon(place).catch(() => undefined);
  const url = await find();
  if (url === undefined) {
    terminal.stderr.write(
      "gasoline: no daemon answers yet; what comes in is kept, up to 32 MB, until one does. Start one with `gasoline`.\n",
    );
  }
  let first = url;
  const client = createOtlpClient({
    endpoint: () => {
      const known = first;
      first = undefined;
      return known === undefined ? find() : Promise.resolve(known);
    },
    apiKey: place.apiKey,
    clock: systemClock,
  });
  const endpoint = url ?? place.endpoint ?? `http://localhost:${DEFAULT_PORT}`;
  return { client, place, endpoint, running: url !== undefined };
}

/** Long enough for a daemon on the same machine; a command must not hang at its end. */
const CLOSE_MS = 2_000;

/** Sends what waits, and says on stderr what could not be delivered. */
export async function closeClient(client: OtlpClient, terminal: Terminal, linesLost = 0): Promise<void> {
  const stats = await client.close(CLOSE_MS);
  for (const sentence of losses(stats, linesLost)) terminal.stderr.write(`gasoline: ${sentence}\n`);
}

function losses({ dropped, droppedReason }: ClientStats, linesLost: number): string[] {
  return [
    ...(dropped === 0 ? [] : [`${dropped} records were not delivered: ${droppedReason.replace(/\.$/, "")}.`]),
    ...(linesLost === 0 ? [] : [`${linesLost} lines were not sent: they came faster than they could be.`]),
  ];
}
