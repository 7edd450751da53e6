import { constants, type ServerHttp2Stream } from "node:http2";

/** As much of an unwanted body is taken off the wire, so that the client can end its request as it began it. */
const DRAIN_BYTES_MAX = 1024 * 1024;

/**
 * Discards what still comes on a stream that was answered early. Past `DRAIN_BYTES_MAX` the client is told to stop
 * with NO_ERROR, which says that the reply stands (RFC 9113, section 8.1); some clients, curl among them, take even
 * that for a failure, so it is not said to those who are nearly done.
 */
export function discardRest(stream: ServerHttp2Stream): void {
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DRAIN_BYTES_MAX) stream.close(constants.NGHTTP2_NO_ERROR);
  });
}
