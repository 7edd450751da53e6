import type { AttributeValue } from "../../src/model/attributes.ts";
import type { RecordKind } from "../../src/store/mask/record-walk.ts";
import { type AttributesSpec, anyValue, writeAttributes } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";

/** A place in an OTLP message where text can lie. */
export interface Position {
  readonly name: string;
  readonly kind: RecordKind;
  /** The message's name in test/support/otlp-proto.ts. */
  readonly type: string;
  build(text: string): Uint8Array;
}

const message = (): ProtoWriter => new ProtoWriter();
const attributes = (field: number, values: AttributesSpec): ProtoWriter =>
  writeAttributes(message(), field, values);

/** Ways an attribute can hold text. */
const HOLDERS: Readonly<Record<string, (text: string) => AttributesSpec>> = {
  "attribute value": (text) => ({ "app.note": text }),
  "attribute key": (text) => ({ [text]: 1 }),
  "list element": (text) => ({ "app.notes": [1, "a", text] }),
  "nested key": (text) => ({ "app.map": { [text]: true } }),
  "nested value": (text) => ({ "app.map": { list: [{ deep: text }] } }),
  "bytes value": (text) => ({ "app.bytes": new Uint8Array(Buffer.from(text)) }),
};

function heldBy(
  kind: RecordKind,
  type: string,
  where: string,
  wrap: (field: (number: number) => (text: string) => ProtoWriter) => (text: string) => Uint8Array,
): Position[] {
  return Object.entries(HOLDERS).map(([holder, values]) => ({
    name: `${type} ${where}, ${holder}`,
    kind,
    type,
    build: wrap((number) => (text) => attributes(number, values(text))),
  }));
}

function plain(
  kind: RecordKind,
  type: string,
  where: string,
  write: (text: string) => ProtoWriter,
): Position {
  return { name: `${type} ${where}`, kind, type, build: (text) => write(text).finish() };
}

const ids = (): ProtoWriter => message().hex(1, "ab".repeat(16)).hex(2, "cd".repeat(8));

function body(text: string): AttributeValue {
  return { list: [text], text };
}

const exemplar = (attribute: ProtoWriter): ProtoWriter =>
  message().fixed64(2, 5).double(3, 1.5).hex(4, "cd".repeat(8)).raw(attribute.finish());

/** A point's attributes and exemplars by type: the field numbers differ. */
const POINTS: readonly { type: string; attributes: number; exemplars?: number; rest: ProtoWriter }[] = [
  { type: "NumberDataPoint", attributes: 7, exemplars: 5, rest: message().fixed64(3, 9).double(4, 0.5) },
  {
    type: "HistogramDataPoint",
    attributes: 9,
    exemplars: 8,
    rest: message()
      .fixed64(4, 3)
      .double(5, 1)
      .bytes(6, Buffer.alloc(24, 1))
      .bytes(7, Buffer.from(new Float64Array([0.005, 0.25, 10]).buffer)),
  },
  {
    type: "ExponentialHistogramDataPoint",
    attributes: 1,
    exemplars: 11,
    rest: message()
      .fixed64(4, 3)
      .message(
        8,
        message()
          .varint(1, 2)
          .bytes(2, Buffer.from([1, 2, 0x90, 1])),
      )
      .message(9, message().bytes(2, Buffer.from([10, 3, 1, 1, 1]))),
  },
  {
    type: "SummaryDataPoint",
    attributes: 7,
    rest: message().fixed64(4, 3).message(6, message().double(1, 0.5).double(2, 4)),
  },
];

/** Every place of every kind of record where text can lie. */
export const POSITIONS: readonly Position[] = [
  plain("span", "Span", "name", (text) => ids().text(5, text)),
  plain("span", "Span", "trace state", (text) => ids().text(3, text)),
  plain("span", "Span", "status message", (text) => ids().message(15, message().text(2, text).varint(3, 2))),
  plain("span", "Span", "event name", (text) => ids().message(11, message().fixed64(1, 7).text(2, text))),
  plain("span", "Span", "link trace state", (text) => ids().message(13, ids().text(3, text))),
  ...heldBy("span", "Span", "itself", (at) => (text) => ids().raw(at(9)(text).finish()).finish()),
  ...heldBy(
    "span",
    "Span",
    "event",
    (at) => (text) =>
      ids()
        .message(11, message().text(2, "exception").raw(at(3)(text).finish()))
        .finish(),
  ),
  ...heldBy(
    "span",
    "Span",
    "link",
    (at) => (text) =>
      ids()
        .message(13, ids().raw(at(4)(text).finish()))
        .finish(),
  ),
  plain("log", "LogRecord", "body", (text) => message().fixed64(1, 3).message(5, anyValue(text))),
  plain("log", "LogRecord", "nested body", (text) => message().message(5, anyValue(body(text)))),
  plain("log", "LogRecord", "severity text", (text) => message().text(3, text)),
  plain("log", "LogRecord", "event name", (text) => message().hex(9, "ab".repeat(16)).text(12, text)),
  ...heldBy("log", "LogRecord", "itself", (at) => (text) => at(6)(text).finish()),
  ...heldBy("resource", "Resource", "itself", (at) => (text) => at(1)(text).finish()),
  plain("scope", "InstrumentationScope", "name", (text) => message().text(1, text)),
  plain("scope", "InstrumentationScope", "version", (text) => message().text(1, "a").text(2, text)),
  ...heldBy("scope", "InstrumentationScope", "itself", (at) => (text) => at(3)(text).finish()),
  plain("metric", "Metric", "name", (text) => message().text(1, text)),
  plain("metric", "Metric", "description", (text) => message().text(1, "a").text(2, text)),
  plain("metric", "Metric", "unit", (text) => message().text(3, text)),
  ...heldBy("metric", "Metric", "metadata", (at) => (text) => at(12)(text).finish()),
  ...POINTS.flatMap((point) => [
    ...heldBy(
      "point",
      point.type,
      "itself",
      (at) => (text) => message().raw(point.rest.finish(), at(point.attributes)(text).finish()).finish(),
    ),
    ...(point.exemplars === undefined
      ? []
      : heldBy(
          "point",
          point.type,
          "exemplar",
          (at) => (text) =>
            message()
              .raw(point.rest.finish())
              .message(point.exemplars!, exemplar(at(7)(text)))
              .finish(),
        )),
  ]),
  ...[5, 7, 9, 10, 11].flatMap((data, i) => {
    const point = POINTS[Math.max(0, i - 1)]!;
    return heldBy(
      "metric",
      "Metric",
      `data ${data}`,
      (at) => (text) =>
        message()
          .text(1, "requests")
          .message(data, message().message(1, message().raw(at(point.attributes)(text).finish())))
          .finish(),
    );
  }),
];
