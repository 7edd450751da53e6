import { constants, type ServerHttp2Stream } from "node:http2";

/**
 * Tells the client of an answered stream to stop sending. NO_ERROR says that the reply stands (RFC 9113, section
 * 8.1), and is sent after it.
 */
export function discardRest(stream: ServerHttp2Stream): void {
  // A stream whose bytes nobody reads never closes.
  stream.resume();
  stream.close(constants.NGHTTP2_NO_ERROR);
}
