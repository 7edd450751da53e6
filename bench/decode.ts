import { decodeResource, decodeScope } from "../src/wire/decode-resource.ts";
import { decodeSpan } from "../src/wire/decode-span.ts";
import { tracesJsonToProtobuf } from "../src/wire/json-to-protobuf.ts";
import { ATTRIBUTES_FIELD, findAttribute } from "../src/wire/raw-attributes.ts";
import { createRecordTable } from "../src/wire/record-table.ts";
import { scanTraces } from "../src/wire/scan-traces.ts";
import { otlpType } from "../test/support/otlp-proto.ts";
import { jsonBody, protobufBody, SPANS_PER_REQUEST, spanBatch } from "./ingest-batch.ts";
import { type BenchRow, median } from "./row.ts";

/** Request bodies that a round walks through, so that no branch predictor learns one by heart. */
const BODIES = 8;

/**
 * What reading OTLP costs a span, without server or store: the scan, the full decode beside protobufjs, JSON beside
 * JSON.parse, and a search for one attribute. All are measured in turns in one run; a row is the median of its
 * rounds.
 */
export async function benchDecode(size: "small" | "full"): Promise<BenchRow[]> {
  const rounds = size === "small" ? 6 : 60;
  const work = prepare();
  const samples = new Map<string, number[]>(Object.keys(work).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(work)) samples.get(name)!.push(nsPerSpan(run));
  }
  // The first third warms the compiler up.
  const cost = (name: keyof typeof work): number => median(samples.get(name)!.slice(Math.ceil(rounds / 3)));
  return [
    beside("scan (validated whole)", cost("scan"), "protobufjs full decode", cost("protobufjs"), "≤ 200 ns"),
    beside("decode to objects", cost("decode"), "protobufjs full decode", cost("protobufjs"), "≤ 4000 ns"),
    beside("JSON to protobuf", cost("transcode"), "JSON.parse", cost("jsonParse"), "≤ 6800 ns"),
    row("find an attribute in raw bytes", cost("find"), "≤ 130 ns"),
  ];
}

/** One function a row; each handles every span of every body once. */
function prepare() {
  const batches = Array.from({ length: BODIES }, (_, seed) => spanBatch(seed));
  const bodies = batches.map(protobufBody);
  const jsonBodies = batches.map(jsonBody);
  const jsonTexts = jsonBodies.map((body) => body.toString());
  const tables = bodies.map((body) => {
    const table = createRecordTable();
    scanTraces(body, table);
    return table;
  });
  const scratch = createRecordTable();
  const oracle = otlpType("TracesRequest");
  const keys = [new TextEncoder().encode("http.response.status_code")];
  const resource = decodeResource(new Uint8Array(0), new Uint8Array(0));
  const scope = decodeScope(new Uint8Array(0), new Uint8Array(0));
  return {
    scan: () => {
      for (const body of bodies) scanTraces(body, scratch);
    },
    decode: () => {
      for (const table of tables) {
        for (let i = 0; i < table.count; i++) {
          const at = table.offset[i]!;
          decodeSpan(table.body.subarray(at, at + table.length[i]!), resource, scope);
        }
      }
    },
    protobufjs: () => {
      for (const body of bodies) oracle.decode(body);
    },
    transcode: () => {
      for (const body of jsonBodies) tracesJsonToProtobuf(body);
    },
    jsonParse: () => {
      for (const text of jsonTexts) JSON.parse(text);
    },
    find: () => {
      for (const { body, count, offset, length } of tables) {
        for (let i = 0; i < count; i++) {
          findAttribute(body, offset[i]!, length[i]!, ATTRIBUTES_FIELD.span, keys);
        }
      }
    },
  };
}

function nsPerSpan(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start) / (BODIES * SPANS_PER_REQUEST);
}

function row(name: string, ns: number, target: string): BenchRow {
  return { area: "decode", name, value: ns, unit: "ns/span", target };
}

function beside(name: string, ns: number, baseline: string, baselineNs: number, target: string): BenchRow {
  return { ...row(name, ns, target), baseline, ratio: ns / baselineNs };
}
