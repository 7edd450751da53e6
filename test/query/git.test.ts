import { expect, test } from "vitest";
import { ask, commitLogs, commitSpans, openStore, START_NS } from "./fixture.ts";

const SECOND = 1_000_000_000n;

function change(second: bigint, path: string) {
  return {
    timeNs: START_NS + second * SECOND,
    eventName: "gasoline.git.change",
    body: `modified ${path}`,
    attributes: { "code.file.path": path },
  };
}

function run(second: bigint, status: string) {
  const startNs = START_NS + second * SECOND;
  const ids = { traceId: `${second}`.padStart(32, "a"), spanId: `${second}`.padStart(16, "b") };
  return {
    ...ids,
    name: "test.suite.run",
    startNs,
    endNs: startNs + SECOND,
    attributes: { "test.suite.run.status": status },
  };
}

test("git tells what changed since the last test run that passed", async () => {
  const store = openStore();
  commitLogs(store, [change(1n, "old.js"), change(6n, "cart.js"), change(9n, "pay.js")]);
  expect((await ask(store, { what: "git" })).text).not.toContain("passed");
  commitSpans(store, [run(2n, "success"), run(5n, "success"), run(7n, "failure")]);
  const { structured, text } = await ask(store, { what: "git" });
  expect(text).toMatch(
    /: 2 files changed: pay\.js, cart\.js, as git told \(that run did not say which commit/,
  );
  expect(structured.summary).toMatch(
    /^3 of 3 git events, newest first\. 2 git events since the last test run that passed \(s\w+, 2026-01-01T00:00:05\.000Z\)\.$/,
  );
  expect(structured.metadata.next).toEqual([
    'observe {"what":"git","filter":{"since":"2026-01-01T00:00:05.000Z"}}',
  ]);
  const since = await ask(store, { what: "git", filter: { since: "2026-01-01T00:00:05.000Z" } });
  expect(since.text).toContain("cart.js");
  expect(since.text).not.toContain("old.js");
});
