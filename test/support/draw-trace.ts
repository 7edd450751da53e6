import type { Attributes, AttributeValue } from "../../src/model/attributes.ts";
import type { LogRecord } from "../../src/model/log.ts";
import type { Resource, Scope } from "../../src/model/resource.ts";
import { SPAN_KINDS, type Span, type SpanKind } from "../../src/model/span.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
/** The instant of the leftmost bar. */
const DRAWN_AT_NS = 1_700_000_000_000_000_000n;

interface DrawOptions {
  readonly traceId?: string;
  /** What one column of a bar stands for; 1 ms unless told. */
  readonly columnNs?: number;
  /** The instant of the leftmost bar. */
  readonly baseNs?: bigint;
}

/**
 * Spans from a timeline, one a line; the parent is the line above with less indentation. For tests.
 *
 * ```
 *  gateway server GET /pay     |==============|
 *    gateway client POST /pay     |========|      host=g1
 *      pay server POST /pay         |====|        ! host=p1 shift=-20
 *  worker mail                       |=====>      parent=00000000000000ff
 * ```
 * A line is: service, kind (optional, internal when absent), name, bar, extras. A bar runs from its first `|` to
 * its last; `|` alone has no length and `>` leaves the span open. Extras: `!` status error; `id=`, `parent=` in
 * place of the drawn ones; `host=` sets host.id; `shift=` moves the span by columns, as a wrong clock would;
 * any other `key=value` is an attribute, a number where it reads as one (`resource.key=value`: of the resource).
 * Ids count the lines: `…01` for the first.
 */
export function drawTrace(drawing: string, options: DrawOptions = {}): Span[] {
  const lines = drawing.split("\n").filter((line) => line.trim() !== "" && !line.trim().startsWith("#"));
  const parsed = lines.map(parseLine);
  const firstColumn = Math.min(...parsed.map((line) => line.from));
  const columnNs = BigInt(options.columnNs ?? 1_000_000);
  const timeNs = (column: number) =>
    (options.baseNs ?? DRAWN_AT_NS) + BigInt(column - firstColumn) * columnNs;

  const ancestors: { indent: number; id: string }[] = [];
  return parsed.map((line, i) => {
    while (ancestors.length > 0 && ancestors.at(-1)!.indent >= line.indent) ancestors.pop();
    const spanId = line.extras.get("id") ?? (i + 1).toString(16).padStart(16, "0");
    const parentSpanId = line.extras.get("parent") ?? ancestors.at(-1)?.id ?? "";
    ancestors.push({ indent: line.indent, id: spanId });
    const shift = Number(line.extras.get("shift") ?? 0);
    return makeSpan({
      traceId: options.traceId ?? TRACE_ID,
      spanId,
      parentSpanId,
      name: line.name,
      spanKind: line.kind,
      startNs: timeNs(line.from + shift),
      endNs: line.open ? 0n : timeNs(line.to + shift),
      statusCode: line.failed ? "error" : "unset",
      attributes: attributesOf(line.extras, ""),
      resource: makeResource(line.service, {
        ...(line.extras.has("host") ? { "host.id": line.extras.get("host")! } : {}),
        ...attributesOf(line.extras, "resource."),
      }),
    });
  });
}

/** A span of no length with nothing said, but for what is given. */
export function makeSpan(given: Partial<Span> = {}): Span {
  return {
    kind: "span",
    traceId: TRACE_ID,
    spanId: "0000000000000001",
    parentSpanId: "",
    traceState: "",
    flags: 1,
    name: "work",
    spanKind: "internal",
    startNs: DRAWN_AT_NS,
    endNs: given.startNs ?? DRAWN_AT_NS,
    attributes: {},
    events: [],
    links: [],
    statusCode: "unset",
    statusMessage: "",
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    resource: makeResource("app"),
    scope: SCOPE,
    ...given,
  };
}

/** A log record with nothing said, but for what is given. */
export function makeLog(given: Partial<LogRecord> = {}): LogRecord {
  return {
    kind: "log",
    traceId: TRACE_ID,
    spanId: "",
    flags: 0,
    timeNs: DRAWN_AT_NS,
    observedNs: DRAWN_AT_NS,
    severity: 9,
    severityText: "",
    eventName: "",
    body: "",
    attributes: {},
    droppedAttributes: 0,
    resource: makeResource("app"),
    scope: SCOPE,
    ...given,
  };
}

export function makeResource(service: string, attributes: Attributes = {}): Resource {
  return { service, schemaUrl: "", attributes: { "service.name": service, ...attributes } };
}

const SCOPE: Scope = { name: "drawn", version: "", attributes: {}, schemaUrl: "" };
const NOT_ATTRIBUTES = new Set(["id", "parent", "host", "shift"]);

interface Line {
  readonly indent: number;
  readonly service: string;
  readonly kind: SpanKind;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly open: boolean;
  readonly failed: boolean;
  readonly extras: ReadonlyMap<string, string>;
}

function parseLine(line: string): Line {
  const match =
    /^(?<indent> *)(?<service>\S+) +(?<label>[^|]*?) +(?<bar>\|(?:=*(?<end>[|>]))?)(?<extras>.*)$/.exec(line);
  if (match === null) throw new Error(`not a line of a drawn trace: ${line}`);
  const { indent, service, label, bar, end, extras } = match.groups as Record<string, string>;
  const words = label!.trim().split(/ +/);
  const kind = SPAN_KINDS.find((known) => known === words[0]);
  const from = line.indexOf("|");
  const marks = extras!.split(" ").filter((mark) => mark !== "");
  const pairs = marks.filter((mark) => mark.includes("="));
  return {
    indent: indent!.length,
    service: service!,
    kind: kind ?? "internal",
    name: (kind === undefined ? words : words.slice(1)).join(" "),
    from,
    to: from + bar!.length - 1,
    open: end === ">",
    failed: marks.includes("!"),
    extras: new Map(
      pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    ),
  };
}

/** Extras that start with `prefix` and are not about the drawing itself. */
function attributesOf(extras: ReadonlyMap<string, string>, prefix: string): Attributes {
  const found: { [key: string]: AttributeValue } = {};
  for (const [key, value] of extras) {
    if (NOT_ATTRIBUTES.has(key) || !key.startsWith(prefix)) continue;
    if (prefix === "" && key.startsWith("resource.")) continue;
    found[key.slice(prefix.length)] = value !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
  }
  return found;
}
