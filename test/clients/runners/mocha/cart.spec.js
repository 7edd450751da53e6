import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

let runs = 0;

describe("cart", () => {
  it("adds", () => {
    console.log(execFileSync("sh", ["-c", 'echo "running in $TRACEPARENT"'], { encoding: "utf8" }));
    assert.equal(1 + 1, 2);
  });
  it("totals", () => {
    assert.deepEqual({ total: 41 }, { total: 42 });
  });
  it.skip("ships", () => undefined);
  it("settles", function () {
    this.retries(2);
    runs += 1;
    assert.equal(runs, 2);
  });
  describe("of a user", () => {
    before(() => {
      throw new TypeError("cannot be loaded");
    });
    it("is never reached", () => undefined);
  });
});
