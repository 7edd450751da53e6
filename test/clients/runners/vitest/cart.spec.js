import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

let runs = 0;

describe("cart", () => {
  it("adds", () => {
    console.log(execFileSync("sh", ["-c", 'echo "running in $TRACEPARENT"'], { encoding: "utf8" }));
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
