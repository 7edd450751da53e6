import { connect, type Socket } from "node:net";
import { DEFAULTS, type ReceiverLimits } from "../../src/config.ts";
import type { LogRecord } from "../../src/model/log.ts";
import type { MetricPoint } from "../../src/model/metric.ts";
import type { RecordTable } from "../../src/model/scan-table.ts";
import type { CommitResult, TelemetrySink } from "../../src/model/sink.ts";
import type { Span } from "../../src/model/span.ts";
import { type Receiver, type ReceiverOptions, startReceiver } from "../../src/otlp-receiver/listener.ts";
import { decodeLog } from "../../src/wire/decode-log.ts";
import { decodePoint } from "../../src/wire/decode-metric.ts";
import { decodeResource, decodeScope } from "../../src/wire/decode-resource.ts";
import { decodeSpan } from "../../src/wire/decode-span.ts";

/** A sink that decodes what it is given, so that tests can read it. */
class RecordingSink implements TelemetrySink {
  readonly spans: Span[] = [];
  readonly logs: LogRecord[] = [];
  readonly points: MetricPoint[] = [];
  /** Commits seen, whatever they held. */
  commits = 0;
  /** What a commit answers besides the rows stored. */
  dropped = 0;
  droppedReason = "";

  commitSpans(table: RecordTable): CommitResult {
    return this.#keep(table, (bytes, resource, scope) => this.spans.push(decodeSpan(bytes, resource, scope)));
  }

  commitLogs(table: RecordTable): CommitResult {
    return this.#keep(table, (bytes, resource, scope) => this.logs.push(decodeLog(bytes, resource, scope)));
  }

  commitPoints: TelemetrySink["commitPoints"] = (table) =>
    this.#keep(table, (bytes, resource, scope, row) =>
      this.points.push(decodePoint(table.metrics[table.metric[row]!]!, bytes, resource, scope)),
    );

  #keep(
    table: RecordTable,
    keep: (bytes: Uint8Array, resource: Span["resource"], scope: Span["scope"], row: number) => void,
  ): CommitResult {
    this.commits++;
    for (let row = 0; row < table.count; row++) {
      const group = table.groups[table.group[row]!]!;
      const at = table.offset[row]!;
      const bytes = table.body.slice(at, at + table.length[row]!);
      keep(
        bytes,
        decodeResource(group.resource, group.resourceSchemaUrl),
        decodeScope(group.scope, group.scopeSchemaUrl),
        row,
      );
    }
    return { stored: table.count - this.dropped, dropped: this.dropped, droppedReason: this.droppedReason };
  }
}

export interface TestReceiver {
  readonly receiver: Receiver;
  readonly sink: RecordingSink;
  readonly warnings: string[];
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  stop(): Promise<void>;
}

type Overrides = Omit<Partial<ReceiverOptions>, "limits"> & { readonly limits?: Partial<ReceiverLimits> };

/** A receiver on an ephemeral port with a recording sink; other paths answer 404 "fallback". */
export async function startTestReceiver({ limits, ...overrides }: Overrides = {}): Promise<TestReceiver> {
  const sink = new RecordingSink();
  const warnings: string[] = [];
  const receiver = await startReceiver({
    host: "127.0.0.1",
    port: 0,
    aliases: [],
    limits: { ...DEFAULTS.receiver, ...limits },
    sink,
    guard: () => undefined,
    fallback: (_request, response) => response.writeHead(404).end("fallback"),
    warn: (message) => warnings.push(message),
    ...overrides,
  });
  return { receiver, sink, warnings, url: `http://127.0.0.1:${receiver.port}`, stop: () => receiver.close() };
}

/** A TCP connection whose bytes are collected. */
export interface RawConnection {
  readonly socket: Socket;
  /** Everything received so far, as Latin-1 text. */
  received(): string;
  /** Resolves when `found` accepts what was received; rejects when the connection closes first. */
  until(found: (received: string) => boolean): Promise<string>;
  /** Resolves with everything received when the connection has closed. */
  closed(): Promise<string>;
}

export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    socket.emit("collected");
  });
  socket.on("error", () => undefined);
  const closed = new Promise<string>((resolve) => socket.once("close", () => resolve(text)));
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return {
    socket,
    received: () => text,
    until: (found) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!found(text)) return;
          socket.off("collected", check);
          resolve(text);
        };
        socket.on("collected", check);
        void closed.then(() => (found(text) ? resolve(text) : reject(new Error(`closed after: ${text}`))));
        check();
      }),
    closed: () => closed,
  };
}

/** Polls until the condition holds; the test's own timeout is the limit. */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
