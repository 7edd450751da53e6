import type { ScopeGroup } from "../../model/scan-table.ts";
import { BITS } from "../../model/scan-table.ts";
import { STREAMS, type Stream } from "../../model/stream.ts";
import { decodeResource, decodeScope } from "../../wire/decode-resource.ts";

/** What a resource or scope says of all its records. */
const HINTS = { browser: 1, test: 2, git: 4, custom: 8 } as const;

/** Ring numbers by stream. */
export const RING = Object.fromEntries(STREAMS.map((stream, number) => [stream, number])) as Readonly<
  Record<Stream, number>
>;

const KIND_CLIENT = 3;
const MARKS = BITS.markBrowser | BITS.markTest | BITS.markGit;

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const CUSTOM = ascii("gasoline.custom");
const WEBSOCKET = ascii("websocket.");
const DOM = ["gasoline.browser.screenshot", "gasoline.browser.dom_snapshot", "gasoline.a11y."].map(ascii);

/**
 * The ring a span or log belongs to (design decision 4): custom, git and test records by what they say of
 * themselves, then the browser's by its marks or its SDK, split by what was seen; the rest is backend.
 * `name` is the span name or event name in `body`.
 */
export function routeOf(
  isLog: boolean,
  bits: number,
  hints: number,
  body: Uint8Array,
  nameAt: number,
  nameLength: number,
): number {
  if (
    (bits & MARKS) === 0 &&
    hints === 0 &&
    !(nameLength > 0 && startsWith(body, nameAt, nameLength, CUSTOM))
  ) {
    return isLog ? RING["backend.logs"] : RING["backend.spans"];
  }
  if ((hints & HINTS.custom) !== 0 || startsWith(body, nameAt, nameLength, CUSTOM)) return RING.custom;
  if ((bits & BITS.markGit) !== 0 || (hints & HINTS.git) !== 0) return RING.git;
  if ((bits & BITS.markTest) !== 0 || (hints & HINTS.test) !== 0) return RING.tests;
  if (startsWith(body, nameAt, nameLength, WEBSOCKET)) return RING["browser.network"];
  if (!isLog) return (bits & BITS.kindMask) === KIND_CLIENT ? RING["browser.network"] : RING["browser.logs"];
  const isDom = DOM.some((prefix) => startsWith(body, nameAt, nameLength, prefix));
  return isDom ? RING["browser.dom"] : RING["browser.logs"];
}

function startsWith(body: Uint8Array, at: number, length: number, prefix: Uint8Array): boolean {
  if (length < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) {
    if (body[at + i] !== prefix[i]) return false;
  }
  return true;
}

/** What a group's resource and scope say of all its records: `HINTS` or'ed. */
export function hintsOf(group: ScopeGroup): number {
  const { attributes } = decodeResource(group.resource, group.resourceSchemaUrl);
  const scope = decodeScope(group.scope, group.scopeSchemaUrl).name;
  const keys = Object.keys(attributes);
  let hints = 0;
  if (attributes["telemetry.sdk.language"] === "webjs" || keys.some((key) => key.startsWith("browser."))) {
    hints |= HINTS.browser;
  }
  if (keys.some((key) => key.startsWith("test."))) hints |= HINTS.test;
  if (scope.startsWith("gasoline.git")) hints |= HINTS.git;
  if (scope.startsWith("gasoline.custom")) hints |= HINTS.custom;
  return hints;
}
