import type { Attributes } from "../model/records.ts";
import { redactBody } from "../model/redact.ts";

/** Opt-in. Longer bodies are cut, longer or endless answers are not read at all. */
const CHARS_MAX = 4_096;
const ANSWER_BYTES_MAX = 262_144;
const READ_MS_MAX = 2_000;

const TEXT = /^(?:text\/(?!event-stream)|application\/(?:[\w.+-]*json|xml|x-www-form-urlencoded|graphql))/i;

/** What the page sends, when it is text; sizes only for binary bodies, nothing for streams. */
export function requestBody(body: unknown): Attributes {
  if (typeof body === "string") return content("request", body);
  if (body instanceof URLSearchParams) return content("request", body.toString());
  if (body instanceof Blob) return { "http.request.body.size": body.size };
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body))
    return { "http.request.body.size": body.byteLength };
  return {};
}

/**
 * The answer's text, read from a copy; undefined for what is not to be read: no text, a stream, too long, of unknown
 * length and type. Never rejects.
 */
export function readBody(response: Response): Promise<Attributes> | undefined {
  const type = response.headers.get("content-type") ?? "";
  const length = response.headers.get("content-length");
  if (response.body === null || response.bodyUsed || !TEXT.test(type)) return undefined;
  if (length === null || Number(length) > ANSWER_BYTES_MAX) return undefined;
  return Promise.race([
    response.clone().text(),
    new Promise<string>((resolve) => setTimeout(resolve, READ_MS_MAX, "")),
  ]).then(
    (text) => (text === "" ? {} : content("response", text)),
    () => ({}),
  );
}

/** Names of the conventions: `http.{request,response}.body.{size,content}`. */
export function content(side: "request" | "response", text: string): Attributes {
  return {
    [`http.${side}.body.size`]: text.length,
    [`http.${side}.body.content`]: redactBody(text.slice(0, CHARS_MAX)),
  };
}
