import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import type { Config } from "../config.ts";
import type { GasolineError } from "../model/errors.ts";
import { pairingToken, sameToken } from "./pairing.ts";

/** Close codes; what each means to the extension stands in model/browser.ts. */
export const CLOSE = {
  unreadable: 4400,
  token: 4401,
  key: 4403,
  silent: 4408,
  replaced: 4409,
  version: 4426,
  /** The endpoint goes away (RFC 6455, 7.4.1). */
  going: 1001,
} as const;

/** Why a connection ends: a code and a sentence. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

const PROTOCOL = "gasoline.v1";
/** A screenshot of a large screen as base64, and some. */
const FRAME_BYTES_MAX = 32 * 1024 * 1024;
/** Of a close frame's reason (RFC 6455, 5.5). */
const REASON_BYTES_MAX = 123;

/** Loads `ws`, which only a daemon with an extension needs. */
export async function openWebSocketServer(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  return new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
    clientTracking: false,
    // One is always picked: without it the browser would hide the reason of the close that follows.
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : ([...offered][0] ?? false)),
  });
}

/** Why an extension may not stay, by the subprotocols it offered; `undefined` when it may. */
export function refusalOf(
  request: IncomingMessage,
  config: Pick<Config, "apiKey" | "stateDir">,
): Refusal | undefined {
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((each) => each.trim());
  const after = (prefix: string): string =>
    offered.find((protocol) => protocol.startsWith(prefix))?.slice(prefix.length) ?? "";
  if (!offered.includes(PROTOCOL)) return otherVersion(offered[0] ?? "");
  if (!sameToken(after("token."), pairingToken(config.stateDir)))
    return {
      code: CLOSE.token,
      reason: "The pairing token is another. Run `gasoline extension`, then reload the extension.",
    };
  const key = Buffer.from(after("key."), "base64url").toString();
  if (config.apiKey !== "" && !sameToken(key, config.apiKey))
    return {
      code: CLOSE.key,
      reason:
        "GASOLINE_API_KEY is missing or another. Set it, run `gasoline extension`, reload the extension.",
    };
  return undefined;
}

export function otherVersion(spoken: string): Refusal {
  const other = spoken === "" ? "" : `, not ${spoken.slice(0, 20)}`;
  const reason = `This daemon speaks ${PROTOCOL}${other}. Run \`gasoline extension\`, then reload the extension.`;
  return { code: CLOSE.version, reason };
}

/** Ends a connection, saying why. */
export function closeWith(socket: WebSocket, { code, reason }: Refusal): void {
  const bytes = Buffer.from(reason);
  socket.close(code, bytes.length <= REASON_BYTES_MAX ? bytes : bytes.subarray(0, REASON_BYTES_MAX));
}

/** An HTTP answer instead of the handshake, for whoever is no extension of ours. */
export function refuseHandshake(socket: Duplex, error: GasolineError): void {
  const { code, message, remedy } = error;
  const body = JSON.stringify({ error: { code, message, remedy } });
  socket.end(
    `HTTP/1.1 ${error.httpStatus} ${error.httpStatus === 404 ? "Not Found" : "Forbidden"}\r\n` +
      "Connection: close\r\nContent-Type: application/json\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
