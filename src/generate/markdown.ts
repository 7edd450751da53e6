import { clean } from "../query/render/clean.ts";

const CHARS_MAX = 400;

/** Text of telemetry inside markdown: on one line, cut, and without any meaning of its own there. */
export function plain(text: string, charsMax = CHARS_MAX): string {
  return clean(text, charsMax).replace(/[\\`*_[\]<>|#~]/g, "\\$&");
}

/** One line of a document, and the heading it stands below. */
export interface Part {
  readonly section: string;
  readonly line: string;
}

/** The lines below their headings, headings in the order in which they first come. */
export function sections(parts: readonly Part[]): string[] {
  return [...Map.groupBy(parts, ({ section }) => section)].flatMap(([section, lines]) => [
    "",
    `## ${section}`,
    "",
    ...lines.map(({ line }) => line),
  ]);
}
