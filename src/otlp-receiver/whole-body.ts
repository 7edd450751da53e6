import { BodyInFlight, tooLarge } from "./body.ts";
import { type Compression, inflateNow, inflateOnThreadPool } from "./inflate.ts";
import type { Service } from "./service.ts";

/** Output that is inflated on the event loop, as a multiple of `inflateSyncBytesMax`: more would block ingest. */
const INFLATE_NOW_RATIO = 32;

/**
 * Calls `done` with a body in one piece from byte `skip` on, inflated, or `fail` with the reason why it cannot be
 * had; then releases the body. A small one is inflated at once, a large one on the thread pool. `done` and `fail`
 * do not throw; the piece is valid only during the call of `done`.
 */
export function withWholeBody(
  service: Service,
  body: BodyInFlight,
  skip: number,
  compression: Compression | undefined,
  done: (whole: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  const { gather, limits, memory } = service;
  if (compression === undefined) {
    done(gather(body.chunks, body.bytes, skip));
    body.release();
    return;
  }
  if (body.bytes - skip <= limits.inflateSyncBytesMax) {
    const outputMax = Math.min(limits.bodyBytesMax, INFLATE_NOW_RATIO * limits.inflateSyncBytesMax);
    let output: Buffer | null;
    try {
      output = inflateNow(compression, gather(body.chunks, body.bytes, skip), outputMax);
      if (output === null && outputMax === limits.bodyBytesMax) throw tooLarge(outputMax);
    } catch (error) {
      body.release();
      fail(error);
      return;
    }
    if (output !== null) {
      done(output);
      memory.free(output);
      body.release();
      return;
    }
  }
  inflateLarge(service, body, skip, compression, done, fail);
}

function inflateLarge(
  service: Service,
  body: BodyInFlight,
  skip: number,
  compression: Compression,
  done: (whole: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  const inflated = new BodyInFlight(service.admission, service.memory, service.limits.bodyBytesMax);
  const input = skip === 0 ? body.chunks : [Buffer.concat(body.chunks).subarray(skip)];
  inflateOnThreadPool(
    compression,
    input,
    (output) => inflated.add(output),
    (error) => {
      if (error === undefined) done(service.gather(inflated.chunks, inflated.bytes, 0));
      else fail(error);
      inflated.release();
      body.release();
    },
  );
}
