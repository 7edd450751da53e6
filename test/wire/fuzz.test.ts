import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GasolineError } from "../../src/model/errors.ts";
import {
  logsJsonToProtobuf,
  metricsJsonToProtobuf,
  tracesJsonToProtobuf,
} from "../../src/wire/json-to-protobuf.ts";
import { ATTRIBUTES_FIELD, findAttribute, numberOf, stringContains } from "../../src/wire/raw-attributes.ts";
import { createRecordTable } from "../../src/wire/record-table.ts";
import { countProfiles } from "../../src/wire/scan-profiles.ts";
import { scanTraces } from "../../src/wire/scan-traces.ts";
import { buildLogsRequest, buildMetricsRequest, buildTracesRequest } from "../support/otlp-build.ts";
import { otlpType } from "../support/otlp-proto.ts";
import { freshSeed } from "../support/seed.ts";
import { logSpec, metricSpec, spanSpec } from "./arbitrary.ts";
import { logsJson, metricsJson, tracesJson } from "./otlp-json.ts";
import { readLogs, readPoints, readSpans } from "./read-table.ts";

/** One change to a body: the kinds that break framing, nesting and text. Positions are shares of its length. */
type Mutation =
  | { readonly kind: "set" | "insert"; readonly at: number; readonly byte: number }
  | { readonly kind: "remove" | "repeat" | "cut"; readonly at: number; readonly count: number };

// Not fc.double: half of all doubles from 0 to 1 are so small that they would all mean the first byte.
const share = fc.nat(999_999).map((millionths) => millionths / 1_000_000);
const byte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(0x00, 0x7f, 0x80, 0xff, 0x0a, 0x0b, 0x0c, 0x12, 0x22, 0x5c, 0x7b, 0x5d),
);
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constantFrom("set" as const, "insert" as const), at: share, byte }),
  fc.record({
    kind: fc.constantFrom("remove" as const, "repeat" as const, "cut" as const),
    at: share,
    count: fc.integer({ min: 1, max: 40 }),
  }),
);
const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

/** Changes that leave JSON well-formed more often: one character of a text, a number or a name becomes another. */
const character = fc.constantFrom(..."09afAFzZ_.-+eE /=\u007f").map((each) => each.charCodeAt(0));
const gentleMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom("set" as const, "insert" as const),
  at: share,
  byte: character,
});
const textMutations = fc.oneof(mutations, fc.array(gentleMutation, { minLength: 1, maxLength: 2 }));

function mutate(body: Uint8Array, changes: readonly Mutation[]): Uint8Array {
  let bytes = [...body];
  for (const change of changes) {
    const at = Math.floor(change.at * bytes.length);
    if (change.kind === "set") bytes[at] = change.byte;
    else if (change.kind === "insert") bytes.splice(at, 0, change.byte);
    else if (change.kind === "remove") bytes.splice(at, change.count);
    else if (change.kind === "repeat") bytes.splice(at, 0, ...bytes.slice(at, at + change.count));
    else bytes = bytes.slice(0, at);
  }
  return Uint8Array.from(bytes);
}

/** Runs `read`; tells whether it succeeded. Anything that it throws but malformed_body fails the test. */
function readable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof GasolineError && error.code === "malformed_body") return false;
    throw error;
  }
}

/** The message of the error that `read` throws; "" when it succeeds. */
function refusal(read: () => unknown): string {
  try {
    read();
    return "";
  } catch (error) {
    return error instanceof Error ? `refused: ${error.message}` : "refused";
  }
}

const seed = freshSeed();
const RUNS = 250;
const spans = fc.array(spanSpec, { minLength: 1, maxLength: 3 });
const logs = fc.array(logSpec, { minLength: 1, maxLength: 3 });
const metrics = fc.array(metricSpec, { minLength: 1, maxLength: 3 });

const PROTOBUF: readonly [string, fc.Arbitrary<Uint8Array>, (body: Uint8Array) => unknown][] = [
  ["spans", spans.map(buildTracesRequest), readSpans],
  ["log records", logs.map(buildLogsRequest), readLogs],
  ["data points", metrics.map(buildMetricsRequest), readPoints],
  ["profiles", spans.map(buildTracesRequest), countProfiles],
];
const JSON_TEXT: readonly [
  string,
  fc.Arbitrary<Uint8Array>,
  (json: Uint8Array) => Uint8Array,
  (body: Uint8Array) => unknown,
][] = [
  [
    "spans",
    spans.map((specs) => Buffer.from(JSON.stringify(tracesJson(specs)))),
    tracesJsonToProtobuf,
    readSpans,
  ],
  [
    "log records",
    logs.map((specs) => Buffer.from(JSON.stringify(logsJson(specs)))),
    logsJsonToProtobuf,
    readLogs,
  ],
  [
    "data points",
    metrics.map((specs) => Buffer.from(JSON.stringify(metricsJson(specs)))),
    metricsJsonToProtobuf,
    readPoints,
  ],
];

describe(`mutated bodies are read or refused, nothing else (seed ${seed})`, () => {
  test.each(PROTOBUF)("protobuf %s; what the scan lets through, decodes", (_, bodies, read) => {
    let accepted = 0;
    fc.assert(
      fc.property(bodies, mutations, (body, changes) => {
        if (readable(() => read(mutate(body, changes)))) accepted++;
      }),
      { seed, numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(RUNS);
  });

  test.each([
    ["TracesRequest", PROTOBUF[0]!],
    ["LogsRequest", PROTOBUF[1]!],
    ["MetricsRequest", PROTOBUF[2]!],
  ] as const)("%s: protobufjs agrees on which are well-formed", (type, [, bodies, read]) => {
    // But for two decisions of ours: invalid UTF-8 is tolerated, a known field of another wire type is not.
    const oracle = otlpType(type);
    fc.assert(
      fc.property(bodies, mutations, (body, changes) => {
        const bytes = mutate(body, changes);
        const ours = refusal(() => read(bytes));
        const theirs = refusal(() => oracle.decode(bytes));
        if (/utf-8/.test(theirs) || /has wire type/.test(ours)) return;
        expect([ours === "", ours, theirs]).toEqual([theirs === "", ours, theirs]);
      }),
      { seed, numRuns: RUNS },
    );
  });

  test("protobuf spans; an attribute can be looked for in what the scan lets through", () => {
    const keys = ["browser.url", "http.request.method", ""].map((key) => new TextEncoder().encode(key));
    const table = createRecordTable();
    fc.assert(
      fc.property(spans.map(buildTracesRequest), mutations, (body, changes) => {
        if (!readable(() => scanTraces(mutate(body, changes), table))) return;
        for (let row = 0; row < table.count; row++) {
          const at = findAttribute(
            table.body,
            table.offset[row]!,
            table.length[row]!,
            ATTRIBUTES_FIELD.span,
            keys,
          );
          if (at < 0) continue;
          numberOf(table.body, at);
          stringContains(table.body, at, keys[0]!);
        }
      }),
      { seed, numRuns: RUNS },
    );
  });

  test.each(JSON_TEXT)("JSON %s; never more lenient than JSON.parse", (_, bodies, transcode, read) => {
    let accepted = 0;
    fc.assert(
      fc.property(bodies, textMutations, (body, changes) => {
        const json = mutate(body, changes);
        let protobuf = new Uint8Array(0);
        if (
          !readable(() => {
            protobuf = new Uint8Array(transcode(json));
          })
        )
          return;
        accepted++;
        JSON.parse(Buffer.from(json).toString());
        read(protobuf);
      }),
      { seed, numRuns: RUNS },
    );
    expect(accepted).toBeGreaterThan(RUNS / 50);
    expect(accepted).toBeLessThan(RUNS);
  });

  test("bytes at random", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
        for (const [, , read] of PROTOBUF) readable(() => read(body));
        for (const [, , transcode] of JSON_TEXT) readable(() => transcode(body));
      }),
      { seed, numRuns: 2 * RUNS },
    );
  });
});
