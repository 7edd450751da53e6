import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import {
  frameOfAttributes,
  parseStack,
  placeText,
  type StackFrame,
  topFrame,
} from "../../src/enrich/stack.ts";
import { freshSeed } from "../support/seed.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gasoline-stacks-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `function file:line` of each own frame, the folder left out. */
function own(stack: string): string[] {
  return parseStack(stack)
    .filter(({ isLibrary }) => !isLibrary)
    .map((frame) =>
      `${frame.function} ${placeText(frame).replace(`${folder}/`, "").replace("file://", "")}`.trim(),
    );
}

function isThere(command: string): boolean {
  return spawnSync(command, ["--version"]).error === undefined;
}

/** Runs a program that fails, and gives what it printed. */
function failureOf(command: string, args: readonly string[], env: object = {}): string {
  const { stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  return stderr;
}

describe("stacks of programs that are run here", () => {
  it("reads what Node prints, causes first", () => {
    writeFileSync(
      join(folder, "shop.mjs"),
      `function place(order) {
  try {
    pay(order);
  } catch (error) {
    throw new Error("cannot place", { cause: error });
  }
}
const pay = (order) => order.items.length;
[1].forEach(function each() { place({}); });
`,
    );
    const stack = failureOf(process.execPath, ["shop.mjs"]);
    expect(own(stack)).toEqual([
      "pay shop.mjs:8",
      "place shop.mjs:3",
      "each shop.mjs:9",
      "shop.mjs:9",
      "place shop.mjs:5",
      "each shop.mjs:9",
    ]);
    expect(
      parseStack(stack).some(({ file, isLibrary }) => file.startsWith("node:internal") && isLibrary),
    ).toBe(true);
  });

  it.skipIf(!isThere("python3"))(
    "reads what Python prints, the innermost first and the cause before all",
    () => {
      writeFileSync(
        join(folder, "shop.py"),
        `import json

def pay(order):
    return json.loads(order)

def place(order):
    try:
        pay(order)
    except ValueError as error:
        raise RuntimeError("cannot place") from error

place("{")
`,
      );
      const stack = failureOf("python3", ["shop.py"]);
      expect(own(stack)).toEqual([
        "pay shop.py:4",
        "place shop.py:8",
        "place shop.py:10",
        "<module> shop.py:12",
      ]);
      expect(topFrame(parseStack(stack))).toMatchObject({ function: "pay", line: 4, isLibrary: false });
    },
  );

  it.skipIf(!isThere("go"))("reads what Go prints", { timeout: 60_000 }, () => {
    writeFileSync(
      join(folder, "shop.go"),
      `package main

type Shop struct{ items []int }

func (s *Shop) place(i int) int {
	return s.items[i]
}

func main() {
	shop := &Shop{}
	println(shop.place(3))
}
`,
    );
    const stack = failureOf("go", ["run", "-gcflags=-l", "shop.go"], { GO111MODULE: "off" });
    expect(own(stack)).toEqual(["main.(*Shop).place shop.go:6", "main.main shop.go:11"]);
  });

  it.skipIf(!isThere("java"))("reads what Java prints, causes first", { timeout: 30_000 }, () => {
    writeFileSync(
      join(folder, "Orders.java"),
      `package shop.orders;
public class Orders {
  static int pay(Object order) { return order.hashCode(); }
  static void place(Object order) {
    try { pay(order); }
    catch (NullPointerException error) { throw new IllegalStateException("cannot place", error); }
  }
  public static void main(String[] arguments) { Runnable run = () -> place(null); run.run(); }
}
`,
    );
    const stack = failureOf("java", ["Orders.java"]);
    const frames = own(stack);
    expect(frames.slice(0, 2)).toEqual([
      "shop.orders.Orders.pay shop/orders/Orders.java:3",
      "shop.orders.Orders.place shop/orders/Orders.java:5",
    ]);
    expect(frames.indexOf("shop.orders.Orders.place shop/orders/Orders.java:6")).toBeGreaterThan(1);
  });

  it.skipIf(!isThere("rustc"))("reads what Rust prints", { timeout: 60_000 }, () => {
    writeFileSync(
      join(folder, "shop.rs"),
      `#[inline(never)]
fn place(items: &[u32], at: usize) -> u32 {
    items[at]
}

fn main() {
    println!("{}", place(&[], std::env::args().count()));
}
`,
    );
    failureOf("rustc", ["-g", "shop.rs"]);
    expect(own(failureOf("./shop", [], { RUST_BACKTRACE: "1" }))).toEqual([
      "shop::place ./shop.rs:3",
      "shop::main ./shop.rs:7",
    ]);
    expect(own(failureOf("./shop", [], { RUST_BACKTRACE: "0" }))).toEqual(["shop.rs:3"]);
  });
});

/** Forms that cannot be produced here, as the documentation of each runtime shows them. */
const WRITTEN: readonly (readonly [name: string, stack: string, expected: readonly Partial<StackFrame>[]])[] =
  [
    [
      "Firefox",
      "pay@http://localhost:3000/src/pay.js:4:9\nasync*place@http://localhost:3000/@fs/app/x.js?t=1:7:3\n@http://localhost:3000/src/main.js:1:1",
      [
        { function: "pay", file: "http://localhost:3000/src/pay.js", line: 4, column: 9 },
        { function: "async*place", file: "http://localhost:3000/@fs/app/x.js?t=1", line: 7 },
        { function: "", file: "http://localhost:3000/src/main.js", line: 1, column: 1 },
      ],
    ],
    [
      "Safari",
      "pay@http://localhost:3000/pay.js:4:9\n[native code]\nglobal code@http://localhost:3000/main.js:1:1",
      [
        { function: "pay", line: 4 },
        { function: "global code", line: 1 },
      ],
    ],
    [
      ".NET",
      "System.Exception: no stock\n   at Shop.Orders.Place(Int32 id) in /src/Shop/Orders.cs:line 17\n   at System.Linq.Enumerable.ToList()\n   at Shop.Program.Main() in C:\\src\\Program.cs:line 4",
      [
        { function: "Shop.Orders.Place", file: "/src/Shop/Orders.cs", line: 17 },
        { function: "Shop.Program.Main", file: "C:\\src\\Program.cs", line: 4 },
      ],
    ],
    [
      "Ruby",
      "shop.rb:3:in 'Shop#place': no stock (RuntimeError)\n\tfrom /usr/lib/ruby/3.4/set.rb:9:in `each'\n\tfrom shop.rb:7:in '<main>'",
      [
        { function: "Shop#place", file: "shop.rb", line: 3, isLibrary: false },
        { function: "each", isLibrary: true },
        { function: "<main>", line: 7 },
      ],
    ],
    [
      "PHP",
      "PHP Fatal error:  Uncaught Exception: no stock in /app/src/shop.php:12\nStack trace:\n#0 /app/src/index.php(4): Shop->place(1)\n#1 {main}",
      [
        { file: "/app/src/shop.php", line: 12 },
        { file: "/app/src/index.php", line: 4 },
      ],
    ],
    [
      "code evaluated in V8",
      "Error\n    at eval (eval at run (/app/a.js:3:5), <anonymous>:1:1)\n    at new Promise (<anonymous>)\n    at async Shop.place [as go] (file:///app/b (1)/c.js:2:3)",
      [
        { function: "eval", file: "/app/a.js", line: 3, column: 5 },
        { function: "Shop.place [as go]", file: "file:///app/b (1)/c.js", line: 2, column: 3 },
      ],
    ],
  ];

test.each(WRITTEN)("%s", (_name, stack, expected) => {
  expect(parseStack(stack)).toMatchObject(expected);
});

test.each([
  ["/app/node_modules/x/index.js"],
  ["node:internal/process/task_queues"],
  ["/usr/lib/python3.12/json/decoder.py"],
  ["/venv/lib/python3.12/site-packages/flask/app.py"],
  ["/usr/local/go/src/runtime/panic.go"],
  ["/root/go/pkg/mod/github.com/x/y@v1/z.go"],
  ["/rustc/abc/library/core/src/panicking.rs"],
  ["http://localhost:5173/node_modules/.vite/deps/react.js"],
])("%s is of a library", (file) => {
  expect(frameOfAttributes({ "code.file.path": file })).toMatchObject({ isLibrary: true });
});

test("code.* attributes name a place in their new and old spellings", () => {
  expect(
    frameOfAttributes({ "code.file.path": "/app/a.ts", "code.line.number": 3, "code.function.name": "pay" }),
  ).toMatchObject({ file: "/app/a.ts", line: 3, function: "pay", column: 0 });
  expect(
    frameOfAttributes({
      "code.filepath": "a.py",
      "code.lineno": "4",
      "code.namespace": "shop",
      "code.function": "pay",
    }),
  ).toMatchObject({ file: "a.py", line: 4, function: "shop.pay" });
  expect(frameOfAttributes({ "code.function.name": "pay" })).toBeUndefined();
});

const seed = freshSeed();
/** Texts made of what frames are made of, so that patterns nearly match. */
const pieces = fc.constantFrom(
  ...'at |async |(|)|:1|:1:2|@|File "|", line |, in |goroutine 1 [|Caused by: |panicked at |.go|.rs:1:1|.java:1)|/a/b| in |#0 |\n|\t|eval at |\'|`|from x.rb:1:in |...|\u0000|\ud800|é'.split(
    "|",
  ),
);

test(`no text makes the parser throw, and its frames are bounded (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 400 }), fc.string(), (parts, tail) => {
      const frames = parseStack(parts.join("") + tail);
      expect(frames.length).toBeLessThanOrEqual(256);
      for (const { file, line, column } of frames) {
        expect(file).not.toBe("");
        expect(line).toBeGreaterThanOrEqual(0);
        expect(column).toBeGreaterThanOrEqual(0);
      }
    }),
    { seed, numRuns: 500 },
  );
});

/** Time is measured by `npm run bench enrich`; here a pattern that backtracks without end would meet the timeout. */
test.each([
  ["at ".repeat(20_000)],
  ["    at a (".repeat(5_000)],
  [`    at ${"a".repeat(60_000)}`],
  [`    at ${"(".repeat(60_000)}`],
  [`    at a (eval at ${" (x:1:1".repeat(8_000)}`],
  [`x@${":1".repeat(30_000)}`],
  [`${"@".repeat(60_000)}:1:1`],
  [`  File "${'"'.repeat(60_000)}`],
  [`thread '${"' panicked at ".repeat(4_000)}`],
  [`${"Uncaught in /".repeat(4_000)}`],
  ["goroutine 1 [\n".repeat(4_000)],
  ["Caused by: \n\tat a.b(C.java:1)\n".repeat(2_000)],
])("hostile text %# comes to an end", (text) => {
  expect(parseStack(text).length).toBeLessThanOrEqual(256);
});
