import { createServer, type Server, type Socket } from "node:net";
import { GasolineError } from "../model/errors.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Binding {
  readonly servers: readonly Server[];
  /** Every address that is listened on: the main port first, then the aliases that were free. */
  readonly endpoints: readonly Endpoint[];
  readonly port: number;
}

/** Node's default backlog of 511 resets connections when thousands arrive at once. */
const BACKLOG = 4096;
/** A free port of IPv4 can be taken on IPv6: that many are tried. */
const EPHEMERAL_TRIES = 8;
const LOOPBACKS: readonly string[] = ["127.0.0.1", "localhost"];

/**
 * Listens on `host` and `port`, and on each alias port that is free. The loopback default stands for both 127.0.0.1
 * and ::1, since `localhost` may be either first; a machine without IPv6 is fine. Throws `port_taken` when somebody
 * else listens there, `bad_parameter` when the address cannot be listened on at all.
 */
export async function bind(
  host: string,
  port: number,
  aliases: readonly number[],
  onConnection: (socket: Socket) => void,
): Promise<Binding> {
  const hosts = LOOPBACKS.includes(host) ? ["127.0.0.1", "::1"] : [host];
  const main =
    port === 0 ? await listenAnywhere(hosts, onConnection) : await listen(hosts, port, onConnection);
  const servers = [...main];
  for (const alias of aliases) {
    if (alias === 0 || alias === portOf(main[0]!)) continue;
    try {
      servers.push(...(await listen(hosts, alias, onConnection)));
    } catch {
      // An alias is a convenience: whoever has the port keeps it, and `endpoints` tells what was taken.
    }
  }
  return { servers, endpoints: servers.map(endpointOf), port: portOf(main[0]!) };
}

async function listenAnywhere(
  hosts: readonly string[],
  onConnection: (socket: Socket) => void,
): Promise<Server[]> {
  for (let tries = 1; ; tries++) {
    const [first] = await listen(hosts.slice(0, 1), 0, onConnection);
    try {
      return [first!, ...(await listen(hosts.slice(1), portOf(first!), onConnection, true))];
    } catch (error) {
      await closeAll([first!]);
      if (tries === EPHEMERAL_TRIES) throw error;
    }
  }
}

/** Listens on all hosts or none. A family that the machine does not have is left out, unless it is the only one. */
async function listen(
  hosts: readonly string[],
  port: number,
  onConnection: (socket: Socket) => void,
  optional = false,
): Promise<Server[]> {
  const servers: Server[] = [];
  for (const host of hosts) {
    try {
      servers.push(await listenOn(host, port, onConnection));
    } catch (error) {
      const code = codeOf(error);
      const missing = code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
      if (missing && (optional || servers.length > 0)) continue;
      await closeAll(servers);
      throw bindError(host, port, error);
    }
  }
  return servers;
}

function listenOn(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    // As node:http makes its own: a client may close its sending side and still wait for the reply.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.once("error", reject);
    server.listen({ host, port, backlog: BACKLOG, ipv6Only: host.includes(":") && host !== "::" }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** Stops listening. Resolves when every connection that was taken has closed. */
export async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
}

function bindError(host: string, port: number, cause: unknown): GasolineError {
  const code = codeOf(cause);
  if (code === "EADDRINUSE") {
    return new GasolineError(
      "port_taken",
      `Port ${port} on ${host} is already in use.`,
      "A gasoline may already be running there; else choose another port with --port or GASOLINE_PORT (0 takes any free one).",
    );
  }
  const remedy =
    code === "EACCES"
      ? "Ports below 1024 need privileges; choose another with --port or GASOLINE_PORT (0 takes any free one)."
      : "Give an address of this machine with --host or GASOLINE_HOST; 127.0.0.1 is the default.";
  return new GasolineError("bad_parameter", `Cannot listen on ${host} port ${port} (${code}).`, remedy);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function portOf(server: Server): number {
  return endpointOf(server).port;
}

function endpointOf(server: Server): Endpoint {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server does not listen on a port");
  return { host: address.address, port: address.port };
}
