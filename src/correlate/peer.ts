import type { Span } from "../model/span.ts";
import { textOf } from "./operation.ts";
import { isCaller } from "./self-time.ts";

/** What a call goes to, as far as the calling span says. */
export interface Peer {
  readonly kind: "service" | "database" | "messaging" | "external";
  readonly name: string;
}

/**
 * The other side of a call by the caller's own attributes: the broker and destination, the database and its name,
 * `peer.service`, the server's address, the host of the URL, or the RPC service; in that order. `undefined` when
 * the span names none. Current and older semantic conventions are both read.
 */
export function namedPeer(span: Span): Peer | undefined {
  const { attributes } = span;
  const service = textOf(attributes, "service.peer.name", "peer.service");
  const broker = textOf(attributes, "messaging.system");
  if (broker !== undefined) {
    const destination = textOf(attributes, "messaging.destination.name", "messaging.destination");
    return { kind: "messaging", name: join(broker, destination ?? service) };
  }
  const address = addressOf(span);
  const database = databaseSystem(span);
  if (database !== undefined) {
    const namespace = textOf(attributes, "db.namespace", "db.name");
    return { kind: "database", name: join(database, service ?? namespace ?? address) };
  }
  if (service !== undefined) return { kind: "service", name: service };
  const external = address ?? textOf(attributes, "rpc.service");
  return external === undefined ? undefined : { kind: "external", name: external };
}

/** `db.system.name` or its older spelling; `undefined` on spans that are no database call. */
export function databaseSystem(span: Span): string | undefined {
  return textOf(span.attributes, "db.system.name", "db.system");
}

/** True for spans that stand for a call to someone else: client and producer spans, and database calls of any kind. */
export function isCall(span: Span): boolean {
  if (span.spanKind === "server" || span.spanKind === "consumer") return false;
  return isCaller(span) || databaseSystem(span) !== undefined;
}

/** Host of the server that was called, with its port where one is known. */
function addressOf(span: Span): string | undefined {
  const { attributes } = span;
  const address = textOf(attributes, "server.address", "net.peer.name", "net.sock.peer.addr");
  if (address !== undefined) {
    const port = attributes["server.port"] ?? attributes["net.peer.port"];
    return typeof port === "number" ? `${address}:${port}` : address;
  }
  const url = textOf(attributes, "url.full", "http.url");
  return (url === undefined ? null : URL.parse(url))?.host || undefined;
}

function join(system: string, name: string | undefined): string {
  return name === undefined ? system : `${system}/${name}`;
}
