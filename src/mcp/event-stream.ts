/** One server-sent event. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** Longer events are passed over: the daemon sends none. */
const EVENT_CHARS_MAX = 256 * 1024;

/**
 * The events of a stream of server-sent events (WHATWG HTML, "Interpreting an event stream"), as the daemon sends them:
 * lines end in LF and comments keep the connection alive.
 */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    let end = text.indexOf("\n\n");
    for (; end >= 0; end = text.indexOf("\n\n")) {
      const found = eventOf(text.slice(0, end));
      text = text.slice(end + 2);
      if (found !== undefined) yield found;
    }
    if (text.length > EVENT_CHARS_MAX) text = "";
  }
}

function eventOf(block: string): ServerSentEvent | undefined {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) event = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length === 0 ? undefined : { event, data: data.join("\n") };
}
