import { clean } from "../query/render/clean.ts";

const CHARS_MAX = 400;

/** Text of telemetry inside markdown: on one line, cut, and without any meaning of its own there. */
export function plain(text: string, charsMax = CHARS_MAX): string {
  return clean(text, charsMax).replace(/[\\`*_[\]<>|#~]/g, "\\$&");
}
