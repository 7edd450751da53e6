const { execFileSync } = require("node:child_process");

jest.retryTimes(2);
let runs = 0;

describe("cart", () => {
  test("adds", () => {
    console.log(execFileSync("sh", ["-c", 'echo "running in $TRACEPARENT"'], { encoding: "utf8" }));
    expect(1 + 1).toBe(2);
  });
  test("settles", () => {
    runs += 1;
    expect(runs).toBe(2);
  });
});
