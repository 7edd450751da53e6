import http from "node:http";
import https from "node:https";
import { decodePartialSuccess, decodeStatusMessage } from "../wire/decode-response.ts";
import type { SendOutcome } from "./send-queue.ts";

/** Sends export requests to one URL over a connection that is kept. */
export interface OtlpPost {
  /** One attempt, with a protobuf body. Never rejects. */
  send(body: Uint8Array): Promise<SendOutcome>;
  /** Closes the connection. */
  close(): void;
}

/** Long for a daemon on the same machine, even a busy one: what it took and did not confirm would arrive twice. */
const REQUEST_TIMEOUT_MS = 5_000;
/** Of an answer, what is read; a receiver's are a few lines. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** Statuses that OTLP has a client try again (OTLP/HTTP, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Bodies are not compressed: on the machine's own network that takes more time than it saves. */
export function createOtlpPost(url: string, headers: Readonly<Record<string, string>>): OtlpPost {
  const { request, Agent } = url.startsWith("https:") ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  function attempt(body: Uint8Array, again: boolean): Promise<SendOutcome> {
    return new Promise((resolve) => {
      const post = request(url, {
        ...{ method: "POST", agent, timeout: REQUEST_TIMEOUT_MS },
        headers: { ...headers, "content-type": "application/x-protobuf", "content-length": body.length },
      });
      post.once("timeout", () => post.destroy(new Error("no answer in time")));
      post.once("error", () => {
        // A kept connection that the daemon closed at this moment says nothing about the daemon.
        if (again && post.reusedSocket) resolve(attempt(body, false));
        else resolve({ kind: "away" });
      });
      post.once("response", (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= ANSWER_BYTES_MAX) chunks.push(chunk);
        });
        response.once("error", () => resolve({ kind: "away" }));
        response.once("end", () =>
          resolve(
            outcomeOf(response.statusCode ?? 0, response.headers["retry-after"], Buffer.concat(chunks)),
          ),
        );
      });
      post.end(body);
    });
  }

  return { send: (body) => attempt(body, true), close: () => agent.destroy() };
}

function outcomeOf(status: number, retryAfter: string | undefined, answer: Buffer): SendOutcome {
  if (status >= 200 && status < 300) {
    const { rejected, message } = readAs(decodePartialSuccess, answer) ?? { rejected: 0, message: "" };
    return { kind: "delivered", rejected, reason: message };
  }
  if (RETRYABLE.has(status)) {
    const seconds = Number(retryAfter);
    return { kind: "busy", ...(seconds > 0 ? { waitMs: 1000 * seconds } : {}) };
  }
  return { kind: "refused", reason: readAs(decodeStatusMessage, answer) || `HTTP status ${status}` };
}

/** An answer that is no protobuf comes from something else than a receiver; its status still counts. */
function readAs<T>(decode: (bytes: Buffer) => T, answer: Buffer): T | undefined {
  try {
    return decode(answer);
  } catch {
    return undefined;
  }
}
