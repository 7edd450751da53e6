/** HTTP/2 written by hand (RFC 9113), for what no client library would send. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const TYPES = { data: 0, headers: 1, rst: 3, settings: 4 } as const;
export const END_STREAM = 0x1;
const END_HEADERS = 0x4;

export function frame(
  type: keyof typeof TYPES,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = TYPES[type];
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Preface and empty settings: a session opens with them. */
export const OPENING = Buffer.concat([PREFACE, frame("settings", 0, 0)]);

/** A POST's header block: literals without indexing (RFC 7541, section 6.2.2). Strings are shorter than 127 bytes. */
export function postHeaders(stream: number, path: string, contentType: string): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
  const fields = {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": contentType,
  };
  const block = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.of(0), text(name), text(value)]),
  );
  return frame("headers", END_HEADERS, stream, Buffer.concat(block));
}

/** RST_STREAM with CANCEL. */
export function reset(stream: number): Buffer {
  return frame("rst", 0, stream, Buffer.of(0, 0, 0, 8));
}
