import http from "node:http";
import type { AddressInfo } from "node:net";
import type { LogRecord } from "../../src/model/log.ts";
import type { RecordTable, ScopeGroup } from "../../src/model/scan-table.ts";
import type { Span } from "../../src/model/span.ts";
import { decodeLog } from "../../src/wire/decode-log.ts";
import { decodeResource, decodeScope } from "../../src/wire/decode-resource.ts";
import { decodeSpan } from "../../src/wire/decode-span.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { scanLogs } from "../../src/wire/scan-logs.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";

/** What arrived since the last look. */
export interface Received {
  readonly spans: readonly Span[];
  readonly logs: readonly LogRecord[];
}

/** A bare OTLP/HTTP server that keeps every span and log decoded, with no store behind it. */
export interface Collector {
  readonly url: string;
  /** Everything since the last call, and forgets it. */
  take(): Received;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const table = createRecordTable();
  let spans: Span[] = [];
  let logs: LogRecord[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    if (request.url === "/v1/traces") {
      scanTraces(body, table);
      spans.push(...decodeRows(table, decodeSpan));
    } else if (request.url === "/v1/logs") {
      scanLogs(body, table);
      logs.push(...decodeRows(table, decodeLog));
    }
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const received = { spans, logs };
      spans = [];
      logs = [];
      return received;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function decodeRows<T>(table: RecordTable, decode: Decode<T>): T[] {
  const groups = table.groups.map(decodeGroup);
  return Array.from({ length: table.count }, (_, row) => {
    const { resource, scope } = groups[table.group[row]!]!;
    const offset = table.offset[row]!;
    // A copy: what is decoded must not hold the whole request.
    return decode(table.body.slice(offset, offset + table.length[row]!), resource, scope);
  });
}

type Decode<T> = (
  bytes: Uint8Array,
  resource: ReturnType<typeof decodeResource>,
  scope: ReturnType<typeof decodeScope>,
) => T;

function decodeGroup(group: ScopeGroup) {
  return {
    resource: decodeResource(group.resource, group.resourceSchemaUrl),
    scope: decodeScope(group.scope, group.scopeSchemaUrl),
  };
}
