import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it, test } from "node:test";

describe("cart", () => {
  it("adds", () => {
    console.log(execFileSync("sh", ["-c", 'echo "running in $TRACEPARENT"'], { encoding: "utf8" }));
    assert.equal(1 + 1, 2);
  });
  it("totals", () => {
    assert.deepEqual({ total: 41 }, { total: 42 });
  });
  it("ships", { skip: "no carrier yet" }, () => undefined);
});

test("checkout", async (t) => {
  await t.test("pays", () => undefined);
});
