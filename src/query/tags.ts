import { type Attributes, stringAttribute } from "../model/attributes.ts";
import type { AttributeFilter } from "../store/telemetry-store.ts";

/**
 * What a record is about, told by the attributes that the semantic conventions (1.45 and their predecessors)
 * give to such operations. A tag holds when any of its keys exists, so the store can filter by it.
 */
const TAGS = {
  http: ["http.request.method", "http.method", "http.response.status_code", "http.status_code"],
  db: ["db.system.name", "db.system", "db.query.text", "db.statement"],
  messaging: ["messaging.system", "messaging.destination.name", "messaging.destination"],
  rpc: ["rpc.system", "rpc.system.name", "rpc.service", "rpc.method"],
  exception: ["exception.type", "exception.message", "error.type"],
  websocket: ["websocket.opcode", "websocket.url"],
} as const satisfies Record<string, readonly string[]>;

/** Tags that the application set itself: a comma-separated text. (The store looks into texts, not into lists.) */
const OWN_TAG_KEYS = ["gasoline.tags", "tags"] as const;

/** The tags of a record with these attributes, without doubles. */
export function tagsOf(attributes: Attributes): string[] {
  const tags: string[] = [];
  for (const [tag, keys] of Object.entries(TAGS)) {
    if (keys.some((key) => attributes[key] !== undefined)) tags.push(tag);
  }
  for (const key of OWN_TAG_KEYS) {
    for (const own of stringAttribute(attributes, key)?.split(",") ?? []) {
      const tag = own.trim();
      if (tag !== "" && !tags.includes(tag)) tags.push(tag);
    }
  }
  return tags;
}

/** The condition that a record has `tag`. */
export function tagFilter(tag: string): AttributeFilter {
  const known = Object.hasOwn(TAGS, tag) ? TAGS[tag as keyof typeof TAGS] : undefined;
  return known === undefined
    ? { keys: OWN_TAG_KEYS, match: { op: "contains", value: tag } }
    : { keys: known, match: { op: "exists" } };
}
