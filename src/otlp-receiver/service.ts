import type { IncomingHttpHeaders } from "node:http";
import type { ReceiverLimits } from "../config.ts";
import { GasolineError } from "../model/errors.ts";
import type { Admission } from "./admission.ts";
import type { BodyMemory } from "./body-memory.ts";
import type { Gather } from "./gather.ts";
import type { Ingest } from "./ingest.ts";
import type { Counters } from "./stats.ts";

/** What a guard may look at: the same of an HTTP request and of a gRPC call. */
interface GuardedRequest {
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
}

/** Says no to an export request (foreign origin, missing key); `undefined` lets it in. */
export type Guard = (request: GuardedRequest) => GasolineError | undefined;

/** What every way in shares: limits, accounting, and the way on to the sink. */
export interface Service {
  readonly limits: ReceiverLimits;
  readonly admission: Admission;
  readonly counters: Counters;
  readonly guard: Guard;
  readonly memory: BodyMemory;
  readonly gather: Gather;
  readonly ingest: Ingest;
  readonly warn: (message: string) => void;
}

/** Throws what the guard says against a request with these headers. */
export function askGuard(service: Service, headers: IncomingHttpHeaders): void {
  const refusal = service.guard({
    origin: headers.origin,
    authorization: headers.authorization,
    apiKey: single(headers["x-api-key"]),
  });
  if (refusal !== undefined) throw refusal;
}

/** A header's only or first value. */
export function single(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : header?.[0];
}

/** The error as users meet it. Anything but a GasolineError is a fault of this program, said and warned of. */
export function toGasolineError(service: Service, thrown: unknown): GasolineError {
  if (thrown instanceof GasolineError) return thrown;
  const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  service.warn(`An export request met an internal error: ${reason}`);
  return new GasolineError(
    "internal",
    "The receiver met an internal error, and nothing of this request was kept.",
    "Its log has the details; please report it.",
  );
}
