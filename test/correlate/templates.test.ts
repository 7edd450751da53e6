import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { learnTemplates, maskedText, maskText } from "../../src/correlate/templates.ts";
import { makeLog } from "../support/draw-trace.ts";

describe("maskText", () => {
  it.each([
    ["order 17 placed in 3.5ms", "order <*> placed in <*>"],
    ["user 'anna' logged in from 10.0.0.7:5123", "user <*> logged in from <*>"],
    ["GET /api/items/42?full=1 took 12 ms", "GET <*> took <*> ms"],
    ["job 6f1c2d3e-0000-4000-8000-00000000abcd done", "job <*> done"],
    ["commit deadbeef01 pushed by bob@example.org", "commit <*> pushed by <*>"],
    ["state {a=1, b=2} reached", "state <*> reached"],
    ["two 1 2 3 numbers", "two <*> numbers"],
    ["first line 1\n  at stack line 2", "first line <*>"],
    ["", ""],
  ])("%j", (text, expected) => {
    expect(maskText(text)).toBe(expected);
  });

  it("keeps words apart that carry the meaning", () => {
    expect(maskText("payment accepted")).not.toBe(maskText("payment declined"));
  });
});

describe("maskedText", () => {
  it("takes the statement's place where the record says it", () => {
    expect(maskedText(makeLog({ body: "12:00:01.5 INFO shop.OrderService#41 order 7 placed" }))).toBe(
      "shop.OrderService#41",
    );
    expect(
      maskedText(makeLog({ body: "x", attributes: { "code.file.path": "a/b.ts", "code.line.number": 9 } })),
    ).toBe("a/b.ts:9");
    expect(
      maskedText(makeLog({ body: "x", attributes: { "code.function": "place", "code.lineno": 9 } })),
    ).toBe("place:9");
  });

  it("takes the event's name, the message of a structured body, or its keys", () => {
    expect(maskedText(makeLog({ eventName: "cart.emptied", body: "x 1" }))).toBe("event cart.emptied");
    expect(maskedText(makeLog({ body: { msg: "order 5", level: 30 } }))).toBe("order <*>");
    expect(maskedText(makeLog({ body: { b: 1, a: 2 } }))).toBe("a b");
    expect(maskedText(makeLog({ body: null }))).toBe("");
  });
});

describe("learnTemplates", () => {
  it("makes a wildcard of a word that shows five values, and of none that shows fewer", () => {
    const cities = ["Bern", "Rom", "Oslo", "Wien", "Riga"];
    const lines = cities.map((city) => `train to ${city} leaves`);
    const templates = learnTemplates([...lines, "payment was accepted now", "payment was declined now"]);
    for (const line of lines) expect(templates.templateOf(line)).toBe("train to <*> leaves");
    expect(templates.templateOf("payment was accepted now")).toBe("payment was accepted now");
  });

  it("gives a learned template its own name back, so that windows agree", () => {
    const lines = ["Bern", "Rom", "Oslo", "Wien", "Riga"].map((city) => `train to ${city} leaves`);
    const [template] = lines.map(learnTemplates(lines).templateOf);
    const later = learnTemplates([template!, "train to Paris leaves"]);
    expect(later.templateOf("train to Paris leaves")).toBe(later.templateOf(template!));
  });

  it("does not depend on the order of texts", () => {
    const seed = Date.now() % 1_000_000;
    console.info(`templates in any order, seed ${seed}`);
    const word = fc.constantFrom("a", "b", "c", "d", "e", "f", "<*>");
    const texts = fc.array(fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(" ")));
    fc.assert(
      fc.property(texts, (lines) => {
        const forwards = learnTemplates(lines);
        const backwards = learnTemplates([...lines].reverse());
        for (const line of lines) expect(forwards.templateOf(line)).toBe(backwards.templateOf(line));
      }),
      { seed },
    );
  });

  it("leaves a text that it never saw as it is", () => {
    expect(learnTemplates([]).templateOf("anything")).toBe("anything");
  });
});
