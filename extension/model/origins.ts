/*
 * Where a trace may go. Services under development are the ones a developer runs: this machine, names that resolve
 * nowhere else (RFC 6761, RFC 6762), and private networks (RFC 1918). All others are third parties and are never sent
 * a `traceparent`.
 */

const DEV_HOST = [
  "localhost",
  "[^/]*\\.(?:localhost|test|local)",
  "127\\.[\\d.]+",
  "\\[::1\\]",
  "10\\.[\\d.]+",
  "192\\.168\\.[\\d.]+",
  "172\\.(?:1[6-9]|2\\d|3[01])\\.[\\d.]+",
].join("|");

/**
 * Matches URLs of services under development, in the syntax that `declarativeNetRequest` shares with JavaScript;
 * short, since it refuses patterns that compile to more than 2 kB.
 */
export const DEV_URL = `^(?:http|ws)s?://(?:${DEV_HOST})(?::\\d+)?/`;

const DEV_URL_PATTERN = new RegExp(DEV_URL, "i");

/** Whether requests of other origins' pages to this one may carry the trace. */
export function mayLink(origin: string): boolean {
  return DEV_URL_PATTERN.test(`${origin}/`);
}
