import { describe, expect, it } from "vitest";
import type { LineReader } from "../../src/adapters/line-reader.ts";
import { createLineReader } from "../../src/adapters/line-reader.ts";
import { createOutputCapture } from "../../src/adapters/output-capture.ts";

const MIB = 1024 ** 2;

/** A reader that keeps the bodies of its records. */
function collect(): { reader: LineReader; bodies: string[] } {
  const bodies: string[] = [];
  const reader = createLineReader({
    clock: { nowMs: () => 0 },
    attributes: {},
    onRecord: ({ body }) => bodies.push(String(body)),
  });
  return { reader, bodies };
}

describe("output capture", () => {
  it("reads nothing while the chunk is handed over, and all of it by the end", async () => {
    const { reader, bodies } = collect();
    const capture = createOutputCapture(reader, () => true);
    capture.push(Buffer.from("a\nb\nc"));
    expect(bodies).toEqual([]);
    await capture.end();
    expect(bodies).toEqual(["a", "b", "c"]);
    expect(capture.linesLost()).toBe(0);
  });

  it("keeps the newest 32 MiB while there is no room, counts the rest, and mixes no two lines", async () => {
    const { reader, bodies } = collect();
    let room = false;
    const capture = createOutputCapture(reader, () => room);
    const filler = "x".repeat(1024 - 11);
    let written = 0;
    // Chunks end in the middle of a line, as they do from a pipe.
    const text = Array.from(
      { length: 40 * 1024 },
      () => `${String(written++).padStart(9, "0")} ${filler}\n`,
    ).join("");
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 65_000) capture.push(bytes.subarray(at, at + 65_000));
    const ended = capture.end();
    room = true;
    await ended;
    expect(bodies.length * 1024).toBeGreaterThan(31 * MIB);
    expect(bodies.length * 1024).toBeLessThanOrEqual(32 * MIB);
    expect(bodies.every((body) => body.length === 1023)).toBe(true);
    expect(bodies.at(-1)).toMatch(/^000040959 /);
    expect(bodies.length + capture.linesLost()).toBe(written);
  });
});
