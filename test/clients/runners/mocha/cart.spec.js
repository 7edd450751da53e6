import assert from "node:assert/strict";

let runs = 0;

describe("cart", () => {
  it("adds", () => {
    console.log(`running in ${process.env.TRACEPARENT}`);
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
