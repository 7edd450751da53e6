/** The `exception.*` attributes (semantic conventions) of an error as a logger wrote it: its text or its object. */
export function exceptionAttributes(error: unknown): Record<string, unknown> {
  if (typeof error === "string") return exceptionOfText(error);
  if (typeof error !== "object" || error === null) return {};
  const fields = error as { readonly [key: string]: unknown };
  const text = (...names: readonly string[]): string | undefined => {
    for (const name of names) if (typeof fields[name] === "string") return fields[name];
    return undefined;
  };
  const stack = text("stack", "stack_trace", "stackTrace", "stacktrace", "extendedStackTrace");
  const type = text("type", "name", "class", "code");
  const message = text("message", "msg");
  return {
    ...(stack === undefined ? {} : exceptionOfText(stack)),
    ...(type === undefined ? {} : { "exception.type": type }),
    ...(message === undefined ? {} : { "exception.message": message }),
  };
}

const HEADER =
  /^(?:Uncaught |Unhandled exception\. |Exception in thread "[^"]*" )?([A-Za-z_$][\w.$]*)(?: \[[^\]]*\])?(?:: ([^\n]*))?$/;

/**
 * Type, message and stack of an error's text. Several lines are a stack; Python names the error in its last line,
 * others in the first. A single line is only a message, unless it starts with the name of an error.
 */
export function exceptionOfText(text: string): Record<string, unknown> {
  const lines = text.trimEnd().split("\n");
  const isStack = lines.length > 1;
  const panic = /^(?:panic|fatal error): (.*)|^thread '.*panicked at (.*)/m.exec(text);
  if (panic !== null) {
    const message = panic[1] ?? lines[lines.findIndex((line) => line.includes("panicked at")) + 1] ?? "";
    return { "exception.type": "panic", "exception.message": message, "exception.stacktrace": text };
  }
  const header = text.includes("Traceback (most recent call last)")
    ? lines.findLast((line) => /^\S/.test(line))
    : lines.find((line) =>
        /^(?:Uncaught |Unhandled exception\. |Exception in thread "[^"]*" )?[\w.$]*(?:Error|Exception|Throwable)\b/.test(
          line,
        ),
      );
  const match = header === undefined ? null : HEADER.exec(header);
  return {
    ...(match?.[1] === undefined ? {} : { "exception.type": match[1] }),
    ...(match === null
      ? isStack
        ? {}
        : { "exception.message": text }
      : match[2] === undefined
        ? {}
        : { "exception.message": match[2] }),
    ...(isStack ? { "exception.stacktrace": text } : {}),
  };
}
