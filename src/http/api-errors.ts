import { type ErrorCode, GasolineError } from "../model/errors.ts";
import { nearest } from "../query/did-you-mean.ts";
import type { ErrorBody } from "./api-types.ts";

/** The body of a refusal. */
export function errorBody(error: GasolineError): ErrorBody {
  return { error: { code: error.code, message: error.message, remedy: error.remedy } };
}

/** What fastify calls the ways in which a request cannot be read. */
const FASTIFY_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ["malformed_body", "Send one JSON object."],
  FST_ERR_CTP_EMPTY_JSON_BODY: ["malformed_body", "Send one JSON object."],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ["malformed_body", "Send a Content-Length that is the body's."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ["wrong_content_type", "Send application/json."],
  FST_ERR_CTP_BODY_TOO_LARGE: ["too_large", "A question fits in 1 MiB."],
};

/**
 * Any error as one of ours. What nobody foresaw becomes `internal`, with its message: this is a tool on the
 * user's own machine, and the message is what they need.
 */
export function toGasolineError(error: unknown): GasolineError {
  if (error instanceof GasolineError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known = Object.hasOwn(FASTIFY_CODES, code) ? FASTIFY_CODES[code] : undefined;
  if (known !== undefined) return new GasolineError(known[0], sentence(message), known[1]);
  if (error instanceof SyntaxError)
    return new GasolineError("malformed_body", sentence(message), "Send one JSON object.");
  return new GasolineError(
    "internal",
    `This failed inside gasoline: ${sentence(message)}`,
    "Please report it.",
  );
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** The answer to a path or method that does not exist: the nearest path, or the methods that this one has. */
export function unknownRoute(
  method: string,
  url: string,
  routes: Readonly<Record<string, readonly string[]>>,
): { readonly error: GasolineError; readonly allow?: string } {
  const path = url.split("?", 1)[0]!;
  const route = Object.keys(routes).find((pattern) => patternOf(pattern).test(path));
  if (route !== undefined) {
    const allow = routes[route]!.join(", ");
    return {
      error: new GasolineError("wrong_method", `${path} does not take ${method}.`, `It takes ${allow}.`),
      allow,
    };
  }
  const near = nearest(path, Object.keys(routes), 1);
  const shown = JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path);
  return {
    error: new GasolineError(
      "unknown_path",
      `There is nothing at ${shown}.`,
      near.length > 0
        ? `Did you mean ${near[0]}?`
        : `Paths: ${Object.keys(routes).join(", ")}; OTLP at /v1/traces, /v1/logs, /v1/metrics.`,
    ),
  };
}

function patternOf(route: string): RegExp {
  return new RegExp(`^${route.replace(/:[a-z]+/g, "[^/]+")}$`);
}
