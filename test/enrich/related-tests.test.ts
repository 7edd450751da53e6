import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { openCoverage } from "../../src/enrich/coverage.ts";
import { testsByName } from "../../src/enrich/related-tests.ts";
import { openWorkspace } from "../../src/enrich/workspace.ts";

test.each([
  ["src/pay.ts", "src/pay.test.ts", 0.7],
  ["src/pay.ts", "src/__tests__/pay.spec.tsx", 0.7],
  ["src/cart/pay.js", "test/cart/pay.test.js", 0.7],
  ["src/cart/pay.js", "test/pay.test.js", 0.4],
  ["shop/pay.py", "shop/test_pay.py", 0.7],
  ["shop/pay.py", "tests/pay_test.py", 0.4],
  ["pay.go", "pay_test.go", 0.7],
  ["src/main/java/shop/Pay.java", "src/test/java/shop/PayTest.java", 0.7],
  ["app/models/pay.rb", "spec/models/pay_spec.rb", 0.7],
  ["src/Pay.cs", "test/PayTests.cs", 0.7],
  ["src/Pay.php", "tests/PayTest.php", 0.7],
  ["src/pay.rs", "tests/pay.rs", 0.7],
])("of %s, %s is a test by its name (%d)", (path, file, confidence) => {
  expect(testsByName(path, [path, file, "README.md"])).toEqual([{ test: file, method: "name", confidence }]);
});

test.each([
  ["src/pay.ts", "src/repay.test.ts"],
  ["src/pay.ts", "src/pay.ts"],
  ["src/a.b.ts", "src/aXb.test.ts"],
  ["src/pay.rs", "src/other/pay.rs"],
  ["README.md", "README.test.md"],
  ["src/(+).js", "src/x.test.js"],
])("of %s, %s is none", (path, file) => {
  expect(testsByName(path, [file])).toEqual([]);
});

describe("coverage", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "gasoline-coverage-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const coverage = async () =>
    openCoverage(
      await openWorkspace(
        root,
        async () => undefined,
        () => 0,
      ),
    );

  it("is read from lcov, hits of all its tests added up", async () => {
    const block = (test: string, hits: number): string =>
      `TN:${test}\nSF:/ci/build/src/pay.js\nDA:3,${hits}\nDA:5,0\nend_of_record\n`;
    write(
      "coverage/lcov.info",
      `TN:\nSF:src/other.js\nDA:3,9\nend_of_record\n${block("pays", 2)}${block("refunds", 1)}`,
    );
    const of = await coverage();
    const report = { report: "coverage/lcov.info", tests: ["pays", "refunds"] };
    expect(await of("src/pay.js", 3)).toEqual({ ...report, hits: 3 });
    expect(await of("src/pay.js", 4)).toEqual({ ...report, hits: 3 });
    expect(await of("src/pay.js", 5)).toEqual({ ...report, hits: 0 });
    expect(await of("src/pay.js", 1)).toBeUndefined();
    expect(await of("pay.js", 1)).toBeUndefined();
  });

  it("is read from istanbul's JSON", async () => {
    const file = {
      statementMap: { 0: { start: { line: 2 } }, 1: { start: { line: 4 } } },
      s: { 0: 7, 1: 0 },
    };
    write("coverage/coverage-final.json", JSON.stringify({ "/home/me/shop/src/pay.js": file }));
    const of = await coverage();
    expect(await of("src/pay.js", 3)).toEqual({ report: "coverage/coverage-final.json", hits: 7, tests: [] });
    expect(await of("src/pay.js", 4)).toMatchObject({ hits: 0 });
  });

  it.each([["{"], ["null"], ['{"src/pay.js":null}'], ['{"src/pay.js":{"statementMap":{"0":{}}}}'], ["[]"]])(
    "that cannot be read (%s) is none",
    async (text) => {
      write("coverage/coverage-final.json", text);
      expect((await (await coverage())("src/pay.js", 3))?.tests ?? []).toEqual([]);
    },
  );
});
