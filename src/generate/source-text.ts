/** A string as JSON and as JavaScript, on one line: nothing in it is invisible, or could close the fence of a reply. */
export function literal(text: string): string {
  return escapeUnseen(JSON.stringify(text));
}

/** JSON or a string literal with what is not seen, or opens a tag, as `\u…`, which reads as the same. */
export function escapeUnseen(source: string): string {
  return source.replace(/[<\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
}

function escaped(char: string): string {
  return Array.from(
    { length: char.length },
    (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, "0")}`,
  ).join("");
}

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
/** What differs from run to run: UUIDs, long hex, times. */
const VOLATILE = new RegExp(
  `${UUID}|\\b[0-9a-f]{16,64}\\b|\\d{4}-\\d{2}-\\d{2}(?:T[\\d:.]+(?:Z|[+-]\\d{2}:\\d{2})?)?`,
  "gi",
);

/** The ids and dates in a text that will be others in the next run, in order, each once. */
export function volatileIn(text: string): string[] {
  return [...new Set(text.match(VOLATILE) ?? [])];
}

/** Whether a path's segment is a parameter: of a route template (`:id`, `{id}`, `<id>`, `*`), a number or volatile. */
function isParameter(segment: string): boolean {
  return /^[:{<*[]|^\d+$/.test(segment) || volatileIn(segment).length > 0;
}

/** A path as it reads in every run: `/carts/{id}/items`; a route template stays as it is. */
export function shownPath(path: string): string {
  return path
    .split("/")
    .map((segment) => (volatileIn(segment).length > 0 ? "{id}" : segment))
    .join("/");
}

/** A regular expression literal for paths like this one, or of this route template. */
export function pathPattern(path: string): string {
  return patternOf(`^${segmentsOf(path)}$`);
}

/** A regular expression literal for URLs on any host whose path is like this one's. */
export function urlPattern(path: string): string {
  return patternOf(`^https?:\\/\\/[^/]+${segmentsOf(path)}(?:[?#].*)?$`);
}

function segmentsOf(path: string): string {
  return path
    .split("/")
    .map((segment) => (isParameter(segment) ? "[^/]+" : segment.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&")))
    .join("/");
}

function patternOf(source: string): string {
  return escapeUnseen(String(new RegExp(source)));
}
