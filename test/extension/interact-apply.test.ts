import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DEFAULTS } from "../../src/config.ts";
import { type Gasoline, startGasoline } from "../../src/main.ts";
import { buildTracesRequest } from "../support/otlp-build.ts";

const PATCH =
  "--- a/src/pay.ts\n+++ b/src/pay.ts\n@@ -1 +1 @@\n-export const fee = 1;\n+export const fee = NaN;\n";

let workspace: string;
let gasoline: Gasoline;

beforeAll(async () => {
  workspace = mkdtempSync(join(tmpdir(), "gasoline-apply-"));
  mkdirSync(join(workspace, "src"));
  writeFileSync(join(workspace, "src", "pay.ts"), "export const fee = 1;\n");
  const stateDir = join(workspace, ".gasoline");
  const config = { ...DEFAULTS, port: 0, aliases: [], stateDir, workspace, allowEdits: true };
  gasoline = await startGasoline(config, () => undefined);
});
afterAll(async () => {
  await gasoline?.close();
  rmSync(workspace, { recursive: true, force: true });
});

async function post(path: string, body: string | Uint8Array<ArrayBuffer>, type: string): Promise<unknown> {
  const headers = { "content-type": type };
  const response = await fetch(`${gasoline.url}${path}`, { method: "POST", headers, body });
  expect(response.ok, await response.clone().text()).toBe(true);
  return type === "application/json" ? response.json() : undefined;
}

/** Thirty payments, of which `failing` fail, from a time on. */
function pay(fromMs: number, failing: number, series: string): Promise<unknown> {
  const spans = Array.from({ length: 30 }, (_, number) => ({
    traceId: `${series}${number.toString(16).padStart(30, "0")}`,
    spanId: (number + 1).toString(16).padStart(16, "0"),
    name: "POST /charges",
    kind: "server" as const,
    startNs: BigInt(Math.round(fromMs) + number) * 1_000_000n,
    resource: { "service.name": "payment" },
    ...(number < failing ? { status: { code: "error" as const } } : {}),
  }));
  return post("/v1/traces", new Uint8Array(buildTracesRequest(spans)), "application/x-protobuf");
}

test("a change that was applied is named by the regression that follows it", async () => {
  const startMs = Date.now() - 60_000;
  await pay(startMs, 0, "aa");
  const sinceMs = Date.now();
  const applied = await post(
    "/api/interact",
    JSON.stringify({ action: "apply_changes", patch: PATCH }),
    "application/json",
  );
  expect(applied).toMatchObject({ rows: [{ path: "src/pay.ts", added: 1, deleted: 1 }] });
  expect(readFileSync(join(workspace, "src", "pay.ts"), "utf8")).toContain("NaN");
  await pay(sinceMs + 1, 25, "bb");

  const iso = (ms: number) => new Date(ms).toISOString();
  const question = {
    type: "regression",
    since: iso(sinceMs - 1),
    until: iso(sinceMs + 10_000),
    baseline: `${iso(startMs - 1)}/${iso(startMs + 1_000)}`,
  };
  const found = (await post("/api/analyze", JSON.stringify(question), "application/json")) as {
    readonly verdict: string;
    readonly findings: readonly { readonly kind: string; readonly text: string }[];
  };
  expect(found.verdict).toBe("regressed");
  expect(found.findings[0]).toMatchObject({ kind: "errors" });
  expect(found.findings.at(-1)?.text).toMatch(/^src\/pay\.ts was changed by apply_changes at /);
});
