import { expect, test } from "vitest";
import { decodeAttributes } from "../../src/wire/decode-attributes.ts";
import { writeAttributes } from "../support/otlp-build.ts";
import { ProtoWriter } from "../support/proto-writer.ts";

const decoded = (writer: ProtoWriter, field = 9) => {
  const bytes = Buffer.from(writer.finish());
  return decodeAttributes(bytes, 0, bytes.length, field);
};

test.each([
  "http.request.method",
  "http.request.methoc",
  "http.requesT.method",
  "Http.request.method",
  "http.request.metho",
  "http.request.method.",
  "server.port",
  "h",
  "db",
  "k8s.po",
  "",
  "ключ",
])("the key %j is read as it was sent, well-known or not", (key) => {
  expect(Object.keys(decoded(writeAttributes(new ProtoWriter(), 9, { [key]: 1 })))).toEqual([key]);
});

test("attributes have no prototype, so __proto__ and constructor are keys like others", () => {
  const sent = JSON.parse('{"__proto__":"a","constructor":"b","toString":{"__proto__":"c"}}');
  const attributes = decoded(writeAttributes(new ProtoWriter(), 9, sent));
  expect(Object.getPrototypeOf(attributes)).toBeNull();
  expect(Object.entries(attributes).slice(0, 2)).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
  ]);
  expect(Object.getPrototypeOf(attributes.toString)).toBeNull();
  expect(attributes.missing).toBeUndefined();
});

test("only the given field holds attributes", () => {
  const writer = writeAttributes(new ProtoWriter().text(5, "x"), 7, { a: 1 });
  expect({ ...decoded(writer, 7) }).toEqual({ a: 1 });
  expect({ ...decoded(writer, 9) }).toEqual({});
});

test("bytes are a copy", () => {
  const source = Buffer.from(writeAttributes(new ProtoWriter(), 9, { a: Uint8Array.of(1, 2) }).finish());
  const attributes = decodeAttributes(source, 0, source.length, 9);
  source.fill(0xff);
  expect(attributes.a).toEqual(Uint8Array.of(1, 2));
  expect(attributes.a).not.toBeInstanceOf(Buffer);
});
