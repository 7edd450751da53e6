/** Bytes of a reply as it is sent: both forms as JSON for MCP, the text alone where only that is asked for. */
export function replyBytes(
  answer: { readonly structured: object; readonly text: string },
  { textOnly }: { readonly textOnly?: boolean },
): number {
  if (textOnly === true) return Buffer.byteLength(answer.text);
  return (
    Buffer.byteLength(JSON.stringify(answer.structured)) +
    Buffer.byteLength(JSON.stringify(answer.text)) +
    ENVELOPE_BYTES
  );
}

/** `{"content":[{"type":"text","text":…}],"structuredContent":…}` */
const ENVELOPE_BYTES = 64;
