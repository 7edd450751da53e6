/**
 * Attribute keys of the semantic conventions that most telemetry uses (https://opentelemetry.io/docs/specs/semconv),
 * as strings that exist already. Decoding one is a comparison of bytes instead of a call out of JavaScript and a new
 * string: a quarter of what decoding a span costs. Other keys are decoded; a missing one here is only slower.
 */
const KEYS: readonly string[] = [
  "service.name service.version service.namespace service.instance.id deployment.environment.name",
  "telemetry.sdk.name telemetry.sdk.language telemetry.sdk.version telemetry.distro.name telemetry.distro.version",
  "host.name host.arch host.id os.type os.version os.description container.id container.name",
  "process.pid process.command process.command_args process.executable.name process.executable.path",
  "process.owner process.runtime.name process.runtime.version process.runtime.description",
  "k8s.pod.name k8s.namespace.name k8s.deployment.name k8s.node.name cloud.provider cloud.region",
  "session.id user.id enduser.id user_agent.original thread.id thread.name",
  "url.full url.path url.query url.scheme url.template url.domain",
  "http.request.method http.request.method_original http.response.status_code http.route",
  "http.request.body.size http.response.body.size http.request.resend_count",
  "http.method http.status_code http.url http.target http.host http.scheme http.flavor http.user_agent",
  "http.request_content_length http.response_content_length http.client_ip http.status_text",
  "server.address server.port client.address client.port network.peer.address network.peer.port",
  "network.protocol.name network.protocol.version network.transport network.type",
  "net.peer.name net.peer.port net.peer.ip net.host.name net.host.port net.host.ip net.transport",
  "db.system db.system.name db.name db.namespace db.statement db.query.text db.query.summary db.operation",
  "db.operation.name db.collection.name db.user db.connection_string db.response.status_code",
  "rpc.system rpc.service rpc.method rpc.grpc.status_code messaging.system messaging.operation.name",
  "messaging.operation.type messaging.destination.name messaging.message.id messaging.batch.message_count",
  "exception.type exception.message exception.stacktrace exception.escaped error.type",
  "code.function.name code.file.path code.line.number code.function code.namespace code.filepath code.lineno",
  "log.iostream log.file.path log.record.original event.name logger.name",
  "browser.brands browser.platform browser.mobile browser.language component location.href http.response_content_length_uncompressed",
  "test.suite.name test.case.name test.case.result.status",
  "vcs.repository.url.full vcs.repository.name vcs.ref.head.name vcs.ref.head.revision",
].flatMap((line) => line.split(" "));

interface KnownKey {
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** Open addressing; a power of two, a quarter full at most. */
const SLOTS = 1024;
const TABLE: readonly (KnownKey | undefined)[] = buildTable();

function buildTable(): (KnownKey | undefined)[] {
  const table: (KnownKey | undefined)[] = Array.from({ length: SLOTS });
  for (const text of KEYS) {
    const bytes = new TextEncoder().encode(text);
    let slot = slotOf(bytes, 0, bytes.length);
    while (table[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    table[slot] = { text, bytes };
  }
  return table;
}

/** The key whose UTF-8 lies between `at` and `end`, if it is one of the well-known; undefined otherwise. */
export function knownKey(bytes: Uint8Array, at: number, end: number): string | undefined {
  if (end === at) return undefined;
  let slot = slotOf(bytes, at, end);
  for (;;) {
    const known = TABLE[slot];
    if (known === undefined) return undefined;
    if (isSame(known.bytes, bytes, at, end)) return known.text;
    slot = (slot + 1) & (SLOTS - 1);
  }
}

function isSame(expected: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  const length = end - at;
  if (expected.length !== length) return false;
  for (let i = 0; i < length; i++) {
    if (expected[i] !== bytes[at + i]) return false;
  }
  return true;
}

/** A hash of the key's length and of three bytes; keys share their beginnings, so none is taken from there. */
function slotOf(bytes: Uint8Array, at: number, end: number): number {
  const length = end - at;
  const middle = bytes[at + (length >> 1)]!;
  const nearEnd = bytes[end - 1 - (length >> 2)]!;
  return (length * 37 + middle * 131 + nearEnd * 29 + bytes[end - 1]! * 7) & (SLOTS - 1);
}
