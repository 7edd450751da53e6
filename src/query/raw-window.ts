import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { decodeLog } from "../wire/decode-log.ts";
import { decodeResource, decodeScope } from "../wire/decode-resource.ts";
import { decodeSpan } from "../wire/decode-span.ts";
import { createRecordTable } from "../wire/record-table.ts";
import { scanLogs } from "../wire/scan-logs.ts";
import { scanTraces } from "../wire/scan-traces.ts";
import type { RecordWindow } from "./analyses/question.ts";

/** A request body as the store exports it, masked. */
export interface RawBody {
  readonly signal: "traces" | "logs";
  readonly bytes: Uint8Array;
}

/** Decodes exported bodies, in their order. */
export class RawWindow implements RecordWindow {
  readonly spans: Span[] = [];
  readonly logs: LogRecord[] = [];
  readonly #table = createRecordTable();

  add({ signal, bytes }: RawBody): void {
    const table = this.#table;
    if (signal === "traces") scanTraces(bytes, table);
    else scanLogs(bytes, table);
    const groups = table.groups.map(({ resource, scope, resourceSchemaUrl, scopeSchemaUrl }) => ({
      resource: decodeResource(resource, resourceSchemaUrl),
      scope: decodeScope(scope, scopeSchemaUrl),
    }));
    for (let row = 0; row < table.count; row++) {
      const from = table.offset[row]!;
      const record = table.body.subarray(from, from + table.length[row]!);
      const { resource, scope } = groups[table.group[row]!]!;
      if (signal === "traces") this.spans.push(decodeSpan(record, resource, scope));
      else this.logs.push(decodeLog(record, resource, scope));
    }
  }
}
