import type { ConfigureQuestion, Outcome } from "./configure.ts";

/** Shortest time between two notifications: what happens meanwhile is told in one. */
export const NOTIFY_EVERY_MS = 10_000;

/**
 * The answer of `streaming` where no connection stays open: over HTTP every call stands alone, so that there is nobody
 * to notify. (Over stdio the bridge answers, `mcp/notifier.ts`.)
 */
export async function streamingElsewhere({ context }: ConfigureQuestion): Promise<Outcome> {
  const url = `${context.endpoint}/api/stream?what=errors`;
  return {
    summary:
      "Not over this connection: each call over HTTP stands alone, so nothing can be sent later. Connect through `gasoline mcp` (stdio) for notifications, or follow the stream of server-sent events.",
    rows: [{ streaming: "unavailable", stream: url }],
    next: ['observe {"what":"errors","wait_ms":30000}'],
  };
}
