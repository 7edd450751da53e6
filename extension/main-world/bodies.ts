import type { Attributes } from "../model/records.ts";
import { redactBody } from "../model/redact.ts";
import { nativeClearTimeout, nativeSetTimeout } from "./natives.ts";

/** Opt-in. Longer bodies are cut; of an answer no more than this is read. */
const CHARS_MAX = 4_096;
const ANSWER_BYTES_MAX = 262_144;
const READ_MS_MAX = 2_000;

/** Messages that come one by one: reading along would hold them twice, for as long as they come. */
const STREAM = /event-stream|ndjson|jsonl|json-seq|stream\+json/i;
const TEXT = /^(?:text\/|application\/(?:[\w.+-]*json|xml|x-www-form-urlencoded|graphql))/i;

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
 * The answer's text, read from a copy; undefined for what is not to be read: no text, a stream of messages, too long.
 * An answer that does not say its length is read as far as the bounds go. Never rejects.
 */
export function readBody(response: Response): Promise<Attributes> | undefined {
  const type = response.headers.get("content-type") ?? "";
  const length = response.headers.get("content-length");
  if (response.body === null || response.bodyUsed || !TEXT.test(type) || STREAM.test(type)) return undefined;
  if (length !== null && Number(length) > ANSWER_BYTES_MAX) return undefined;
  const { body } = response.clone();
  if (body === null) return undefined;
  return readText(body).then(
    (text) => (text === "" ? {} : content("response", text)),
    () => ({}),
  );
}

async function readText(body: ReadableStream<Uint8Array>): Promise<string> {
  const reader = body.getReader();
  const timer = nativeSetTimeout(() => void reader.cancel(), READ_MS_MAX);
  const decoder = new TextDecoder();
  let text = "";
  for (let bytes = 0; bytes <= ANSWER_BYTES_MAX; ) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
  }
  nativeClearTimeout(timer);
  // What the page goes on reading is its own branch.
  void reader.cancel();
  return text;
}

/** Names of the conventions: `http.{request,response}.body.{size,content}`. */
export function content(side: "request" | "response", text: string): Attributes {
  return {
    [`http.${side}.body.size`]: text.length,
    [`http.${side}.body.content`]: redactBody(text.slice(0, CHARS_MAX)),
  };
}
