jest.retryTimes(2);
let runs = 0;

describe("cart", () => {
  test("adds", () => {
    console.log(`running in ${process.env.TRACEPARENT}`);
    expect(1 + 1).toBe(2);
  });
  test("settles", () => {
    runs += 1;
    expect(runs).toBe(2);
  });
});
