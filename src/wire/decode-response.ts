import { fieldEnd, payloadStart, varintEnd, varintValue } from "./cursor.ts";
import { textAt } from "./decode-scalars.ts";

/** What a receiver answered to an export: how many records it refused though it took the others, and why. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/**
 * Reads an Export…ServiceResponse {1 partial_success {1 rejected, 2 message}} of any signal. All was taken when it is
 * empty. Throws `malformed_body` on bytes that are none.
 */
export function decodePartialSuccess(bytes: Buffer): PartialSuccess {
  let found: PartialSuccess = { rejected: 0, message: "" };
  eachField(bytes, 0, bytes.length, (tag, valueAt, end) => {
    if (tag !== 0x0a) return;
    let rejected = 0;
    let message = "";
    eachField(bytes, payloadStart(bytes, valueAt, end), end, (inner, innerAt, innerEnd) => {
      if (inner === 0x08) rejected = varintValue(bytes, innerAt);
      else if (inner === 0x12) message = textAt(bytes, innerAt, innerEnd);
    });
    found = { rejected, message };
  });
  return found;
}

/** The message of a google.rpc.Status {2 message}, the body of a refusal; `""` without one. Throws as above. */
export function decodeStatusMessage(bytes: Buffer): string {
  let message = "";
  eachField(bytes, 0, bytes.length, (tag, valueAt, end) => {
    if (tag === 0x12) message = textAt(bytes, valueAt, end);
  });
  return message;
}

function eachField(
  bytes: Buffer,
  at: number,
  end: number,
  read: (tag: number, valueAt: number, end: number) => void,
): void {
  let p = at;
  while (p < end) {
    const tag = varintValue(bytes, p);
    const valueAt = varintEnd(bytes, p, end);
    p = fieldEnd(bytes, valueAt, end, tag);
    read(tag, valueAt, p);
  }
}
