import fc from "fast-check";
import { expect, test } from "vitest";
import { contextAt } from "../../src/enrich/code-context.ts";
import { freshSeed } from "../support/seed.ts";

const JAVASCRIPT = `import x from "x";

export async function place(order) {
  if (order.items.length === 0) {
    throw new Error("empty");
  }
  return order.items.map((item) => {
    return item.price;
  });
}

class Shop {
  async pay(order) {
    await bank(order);
  }
}

app.get("/items", async (request, reply) => {
  reply.send(items);
});

const total = (items) => {
  let sum = 0;
  return sum;
};
`;
const PYTHON = `class Shop:
    def place(self, order):
        for item in order:
            pay(item)

    async def pay(self,
                  item):
        return 1

def last():
    return 2
`;
const GO = `package main

func (s *Shop) place(i int) int {
	if i > 0 {
		return s.items[i]
	}
	return 0
}
`;
const JAVA = `package shop;

public class Orders {
  private static int pay(Object order) throws IOException {
    return order.hashCode();
  }
}
`;
const RUBY = `class Shop
  def place(order)
    pay order
  end
end
`;

test.each([
  ["JavaScript, inside a branch", JAVASCRIPT, 5, "export async function place(order) {", 3, 10],
  ["a method", JAVASCRIPT, 14, "async pay(order) {", 13, 15],
  ["a route's handler", JAVASCRIPT, 19, 'app.get("/items", async (request, reply) => {', 18, 20],
  ["an arrow function", JAVASCRIPT, 23, "const total = (items) => {", 22, 25],
  ["the opening line itself", JAVASCRIPT, 3, "export async function place(order) {", 3, 10],
  ["Python, inside a loop", PYTHON, 4, "def place(self, order):", 2, 4],
  ["Python, a head over two lines", PYTHON, 8, "async def pay(self,", 6, 8],
  ["Python, at the end", PYTHON, 11, "def last():", 10, 11],
  ["Go", GO, 5, "func (s *Shop) place(i int) int {", 3, 8],
  ["Java", JAVA, 5, "private static int pay(Object order) throws IOException {", 4, 6],
  ["Ruby", RUBY, 3, "def place(order)", 2, 4],
])("%s", (_name, text, line, head, firstLine, lastLine) => {
  expect(contextAt(text, line, 2)?.block).toEqual({ head, firstLine, lastLine });
});

test("code outside any function has no block", () => {
  expect(contextAt(JAVASCRIPT, 1, 2)?.block).toBeUndefined();
});

test("lines around are cut at the file's ends, and a line beyond it has no context", () => {
  expect(contextAt("a\nb\nc", 1, 1)).toEqual({ firstLine: 1, lines: ["a", "b"] });
  expect(contextAt("a\r\nb\r\nc", 3, 1)).toEqual({ firstLine: 2, lines: ["b", "c"] });
  expect(contextAt("a\nb\nc", 4, 1)).toBeUndefined();
  expect(contextAt("a", 0, 1)).toBeUndefined();
  expect(contextAt("x".repeat(5_000), 1, 1)?.lines[0]).toHaveLength(400);
});

const seed = freshSeed();

test(`the block, if any, holds the line (seed ${seed})`, () => {
  const parts = fc.constantFrom(
    "  ",
    "\t",
    "function f() {",
    "}",
    "def f():",
    "class A",
    "if (x) {",
    ")",
    "=> {",
    "x",
    "\n",
    "(",
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 200 }), fc.nat(60), (pieces, line) => {
      const context = contextAt(pieces.join(""), line, 3);
      if (context?.block === undefined) return;
      expect(context.block.firstLine).toBeLessThanOrEqual(line);
      expect(context.block.lastLine).toBeGreaterThanOrEqual(context.block.firstLine);
    }),
    { seed, numRuns: 500 },
  );
});
