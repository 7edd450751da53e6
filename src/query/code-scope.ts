import { SEVERITY_ERROR } from "../model/log.ts";
import type { RecordFilter, RecordPage, StoredRecord } from "../store/telemetry-store.ts";
import { type CodeSite, sitesOf } from "./code-sites.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import type { Question } from "./reply.ts";
import type { ResolvedIds } from "./resolve-ids.ts";

export const CODE: ModeScope = { kinds: ["span", "log"], ignores: [] };

/** What a question about code found in telemetry. */
export interface CodeScope {
  readonly filter: RecordFilter;
  /** The newest first. */
  readonly sites: readonly CodeSite[];
  /** Of the failed records in the filter. */
  readonly page: RecordPage;
}

const FAILED_READ_MAX = 1_000;
const NAMED_READ_MAX = 500;
const TRACES_READ_MAX = 5;
const CODE_KEYS = ["code.file.path", "code.filepath"] as const;

/**
 * The places in code that a question is about, the first of these that names any: the record asked for; what failed
 * among the matches; what failed in the traces of the matches (a route fails where something below it did); any match
 * that names its code.
 */
export async function sitesInScope(
  question: Question,
  ids: Extract<ResolvedIds, { found: "yes" }>,
): Promise<CodeScope> {
  const { store, query, context } = question;
  // file and line say where to look in the sources: frames are compared with them, not attributes.
  const { id: _id, file: _file, line: _line, ...asked } = query.filter;
  const { filter } = toStoreFilter(asked, CODE, ids, store, context.clock);
  const severityMin = Math.max(SEVERITY_ERROR, filter.severityMin ?? 0);
  const page = await store.records({
    filter: { ...filter, severityMin },
    order: "newest",
    limit: FAILED_READ_MAX,
  });
  const steps: readonly (() => Promise<readonly StoredRecord[]> | readonly StoredRecord[])[] = [
    () => (ids.record === undefined ? [] : [ids.record]),
    () => page.records,
    () => failedBelow(question, ids, filter, page.records),
    () => namingCode(question, filter),
  ];
  for (const step of steps) {
    const sites = sitesOf(await step());
    if (sites.length > 0) return { filter, sites, page };
  }
  return { filter, sites: [], page };
}

/** Failed records of the traces that the matches belong to. */
async function failedBelow(
  { store }: Question,
  ids: Extract<ResolvedIds, { found: "yes" }>,
  filter: RecordFilter,
  failed: readonly StoredRecord[],
): Promise<readonly StoredRecord[]> {
  const isNarrow = Object.keys(filter).length > 1 || ids.traceId !== undefined;
  if (!isNarrow) return [];
  const traces = new Set(ids.traceId === undefined ? [] : [ids.traceId]);
  for (const record of failed) {
    if (record.kind !== "metric" && record.traceId !== "" && traces.size < TRACES_READ_MAX)
      traces.add(record.traceId);
  }
  const found: StoredRecord[] = [];
  for (const traceId of traces) {
    const below: RecordFilter = { kinds: ["span", "log"], traceId, severityMin: SEVERITY_ERROR };
    found.push(...(await store.records({ filter: below, order: "newest", limit: FAILED_READ_MAX })).records);
  }
  return found;
}

async function namingCode({ store }: Question, filter: RecordFilter): Promise<readonly StoredRecord[]> {
  const attributes = [...(filter.attributes ?? []), { keys: CODE_KEYS, match: { op: "exists" } } as const];
  const named = { ...filter, kinds: ["span", "log"] as const, attributes };
  return (await store.records({ filter: named, order: "newest", limit: NAMED_READ_MAX })).records;
}
