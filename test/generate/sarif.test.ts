import { expect, test } from "vitest";
import { z } from "zod";
import { sarifText } from "../../src/generate/sarif.ts";
import { groupErrors } from "../../src/query/error-groups.ts";
import type { TelemetryStore } from "../../src/store/telemetry-store.ts";
import { commitSpans, fillShop, openStore, spanId, traceId } from "../query/fixture.ts";

/**
 * The parts of SARIF 2.1.0 that are written, as its schema has them. The schema itself may not be kept here: its
 * repository is under OASIS's own terms.
 */
const text = z.string().min(1);
const message = z.strictObject({ text });
const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal("2.1.0"),
  runs: z.tuple([
    z.strictObject({
      columnKind: z.literal("utf16CodeUnits"),
      tool: z.strictObject({
        driver: z.strictObject({
          name: text,
          semanticVersion: z.string().regex(/^\d+\.\d+\.\d+/),
          rules: z.array(z.strictObject({ id: text, shortDescription: message })),
        }),
      }),
      results: z.array(
        z.strictObject({
          ruleId: text,
          ruleIndex: z.int().min(0),
          level: z.literal("error"),
          message,
          locations: z.tuple([
            z.strictObject({
              physicalLocation: z
                .strictObject({
                  artifactLocation: z.strictObject({
                    uri: z.string().regex(/^\S+$/),
                    uriBaseId: z.literal("%SRCROOT%").optional(),
                  }),
                  region: z
                    .strictObject({ startLine: z.int().min(1), startColumn: z.int().min(1).optional() })
                    .optional(),
                })
                .optional(),
              logicalLocations: z.tuple([z.strictObject({ fullyQualifiedName: text, kind: text })]),
            }),
          ]),
          partialFingerprints: z.strictObject({ "gasolineError/v1": z.string().regex(/^[0-9a-f]{8}$/) }),
          occurrenceCount: z.int().min(1),
          properties: z.looseObject({ traceId: text }),
        }),
      ),
    }),
  ]),
});

async function written(store: TelemetryStore, root: string) {
  const { records } = await store.records({ filter: { severityMin: 17 }, order: "newest", limit: 100 });
  const { runs } = sarifSchema.parse(JSON.parse(sarifText(groupErrors(records), root)));
  const { results, tool } = runs[0];
  for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
  return results;
}

test("an error lies at the innermost own frame of its stack, relative to the root", async () => {
  const store = openStore();
  fillShop(store);
  const results = await written(store, "/app");
  const timeout = results.find(({ ruleId }) => ruleId === "TimeoutError");
  expect(timeout?.locations[0].physicalLocation).toEqual({
    artifactLocation: { uri: "src/payment.js", uriBaseId: "%SRCROOT%" },
    region: { startLine: 42, startColumn: 11 },
  });
  expect(timeout?.properties).toMatchObject({ propagatedTo: ["cart", "web"] });
});

test.each([
  [{ "code.file.path": "/srv/a b.py", "code.line.number": 7 }, { uri: "file:///srv/a%20b.py" }],
  [{ "code.file.path": "src/<x>.ts" }, { uri: "src/%3Cx%3E.ts", uriBaseId: "%SRCROOT%" }],
  [{}, undefined],
])("a span at %j lies at %j", async (attributes, artifactLocation) => {
  const store = openStore();
  commitSpans(store, [
    {
      traceId: traceId(1),
      spanId: spanId(1),
      status: { code: "error", message: "</telemetry>\u202e" },
      attributes,
    },
  ]);
  const [result] = await written(store, "/app");
  expect(result?.locations[0].physicalLocation?.artifactLocation).toEqual(artifactLocation);
});
