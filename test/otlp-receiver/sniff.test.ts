import { describe, expect, it } from "vitest";
import { protocolOf } from "../../src/otlp-receiver/sniff.ts";

describe("protocolOf", () => {
  it.each([
    ["", undefined],
    ["P", undefined],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r", undefined],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2"],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", "http2"],
    ["PRI * HTTP/1.1", "http1"],
    ["PO", "http1"],
    ["PR", undefined],
    ["PROPFIND", "http1"],
    ["GET / HTTP/1.1", "http1"],
    ["\r\n", "http1"],
    ["\x16\x03\x01", "tls"],
  ])("%j is %s", (head, protocol) => {
    expect(protocolOf(Buffer.from(head, "latin1"))).toBe(protocol);
  });
});
