import type { Socket } from "node:net";

export type Protocol = "http1" | "http2" | "tls";

/** What an HTTP/2 client with prior knowledge sends first (RFC 9113, section 3.4). */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** First byte of a TLS handshake record. No HTTP method begins with it. */
const TLS_HANDSHAKE = 0x16;

/**
 * The protocol that a connection's first bytes speak, `undefined` while they may still become either HTTP: `P` alone
 * could be POST or the preface, and bytes may come one at a time.
 */
export function protocolOf(head: Buffer): Protocol | undefined {
  if (head.length === 0) return undefined;
  if (head[0] === TLS_HANDSHAKE) return "tls";
  const length = Math.min(head.length, PREFACE.length);
  if (head.compare(PREFACE, 0, length, 0, length) !== 0) return "http1";
  return length === PREFACE.length ? "http2" : undefined;
}

/**
 * Reads until the protocol is known, puts the bytes back and calls `decided`. A client that closes first is let go;
 * for one that has not said enough after `silentMs`, `silent` is called.
 */
export function sniff(
  socket: Socket,
  silentMs: number,
  decided: (protocol: Protocol) => void,
  silent: () => void,
): void {
  let head: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    clearTimeout(timer);
    socket.off("readable", read).off("end", leave).off("close", leave);
  };
  const leave = (): void => {
    stop();
    socket.destroy();
  };
  const read = (): void => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
    const protocol = protocolOf(head);
    if (protocol === undefined) return;
    stop();
    socket.unshift(head);
    decided(protocol);
  };
  const timer = setTimeout(() => {
    leave();
    silent();
  }, silentMs);
  socket.on("readable", read).on("end", leave).on("close", leave);
}
