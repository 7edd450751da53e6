/**
 * Every error a user can meet: its code, and how HTTP and gRPC say it. Messages carry the offending value and
 * the expected form; `remedy` says what to do next. Programmer errors are asserts, not entries here.
 */
export const ERRORS = {
  // a request that cannot be read
  malformed_body: { http: 400, grpc: 3 },
  /** A compression that is not read; gRPC's own word for it is UNIMPLEMENTED. */
  bad_encoding: { http: 400, grpc: 12 },
  bad_parameter: { http: 400, grpc: 3 },
  unauthenticated: { http: 401, grpc: 16 },
  forbidden_host: { http: 403, grpc: 7 },
  forbidden_origin: { http: 403, grpc: 7 },
  not_found: { http: 404, grpc: 5 },
  unknown_path: { http: 404, grpc: 12 },
  wrong_method: { http: 405, grpc: 12 },
  evicted: { http: 410, grpc: 5 },
  before_restart: { http: 410, grpc: 5 },
  too_large: { http: 413, grpc: 8 },
  wrong_content_type: { http: 415, grpc: 3 },
  // a receiver that cannot take it now: the client retries
  overloaded: { http: 503, grpc: 14 },
  internal: { http: 500, grpc: 13 },
  // a browser that cannot, or may not, do what was asked
  not_paired: { http: 409, grpc: 9 },
  browser_failed: { http: 502, grpc: 9 },
  timed_out: { http: 504, grpc: 4 },
  not_allowed: { http: 403, grpc: 7 },
  // a start that cannot go on
  port_taken: { http: 503, grpc: 14 },
} as const satisfies Record<string, { readonly http: number; readonly grpc: number }>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with its remedy. `message` is whole by itself: what was wrong, then what to do. */
export class GasolineError extends Error {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly remedy: string;
  /** Seconds after which a retry makes sense; only on `overloaded`. */
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, problem: string, remedy: string, retryAfterS?: number) {
    super(remedy === "" ? problem : `${problem} ${remedy}`);
    this.name = "GasolineError";
    this.code = code;
    this.problem = problem;
    this.remedy = remedy;
    this.retryAfterS = retryAfterS;
  }

  get httpStatus(): number {
    return ERRORS[this.code].http;
  }

  get grpcStatus(): number {
    return ERRORS[this.code].grpc;
  }
}
