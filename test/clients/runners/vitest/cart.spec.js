import { describe, expect, it } from "vitest";

let runs = 0;

describe("cart", () => {
  it("adds", () => {
    console.log(`running in ${process.env.TRACEPARENT}`);
    expect(1 + 1).toBe(2);
  });
  it("totals", () => {
    expect({ total: 41 }).toEqual({ total: 42 });
  });
  it.skip("ships", () => undefined);
  it("settles", { retry: 2 }, () => {
    runs += 1;
    expect(runs).toBe(2);
  });
});
