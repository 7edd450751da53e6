import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { understandLine } from "../../src/adapters/line.ts";
import { createLineReader } from "../../src/adapters/line-reader.ts";
import type { LogToSend } from "../../src/adapters/otlp-client.ts";
import { freshSeed } from "../support/seed.ts";

const NOW_MS = Date.UTC(2026, 10, 22, 12, 0, 0);
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const AT_TEN = 1_795_341_600;

const json = (fields: object): string => JSON.stringify(fields);
const understand = (line: string): LogToSend => understandLine(line, NOW_MS);

describe("JSON dialects", () => {
  it.each<[string, string, object]>([
    [
      "logback, logstash encoder with MDC",
      json({
        "@timestamp": "2026-11-22T10:00:00.123Z",
        "@version": "1",
        message: "no card",
        logger_name: "com.shop.Pay",
        thread_name: "http-1",
        level: "ERROR",
        level_value: 40000,
        stack_trace: "java.lang.IllegalStateException: no card\n\tat com.shop.Pay.pay(Pay.java:7)",
        trace_id: TRACE,
        span_id: SPAN,
      }),
      {
        severity: 17,
        body: "no card",
        traceId: TRACE,
        attributes: {
          "thread.name": "http-1",
          "logger.name": "com.shop.Pay",
          "exception.type": "java.lang.IllegalStateException",
          "exception.message": "no card",
        },
      },
    ],
    [
      "log4j2, ECS layout",
      json({
        "@timestamp": "2026-11-22T10:00:00.123Z",
        "log.level": "WARN",
        message: "slow",
        "ecs.version": "1.2.0",
        "log.logger": "com.shop.Main",
        "trace.id": TRACE,
        "span.id": SPAN,
        "error.type": "java.io.IOException",
        "error.message": "gone",
        "error.stack_trace": "java.io.IOException: gone\n\tat A.b(A.java:1)",
      }),
      {
        severity: 13,
        body: "slow",
        traceId: TRACE,
        spanId: SPAN,
        attributes: { "exception.type": "java.io.IOException", "exception.message": "gone" },
      },
    ],
    [
      "log4j2, ECS with nested fields",
      json({
        "@timestamp": "2026-11-22T10:00:00Z",
        log: { level: "info" },
        message: "up",
        trace: { id: TRACE },
      }),
      { severity: 9, body: "up", traceId: TRACE },
    ],
    [
      "tracing-subscriber",
      json({
        timestamp: "2026-11-22T10:00:00.000001Z",
        level: "DEBUG",
        fields: { message: "hit", size: 7 },
        target: "shop::cache",
        filename: "src/cache.rs",
        line_number: 12,
      }),
      {
        time: [AT_TEN, 1_000],
        severity: 5,
        body: "hit",
        attributes: { size: 7, "logger.name": "shop::cache", "code.file.path": "src/cache.rs" },
      },
    ],
    [
      "Serilog compact, rendered from its template",
      json({
        "@t": "2026-11-22T10:00:00Z",
        "@mt": "Paid {Amount:0.00} by {@User}",
        Amount: 7,
        User: "Zoë",
        "@l": "Error",
        "@x": "System.InvalidOperationException: no card\n   at Shop.Pay() in Pay.cs:line 7",
        "@tr": TRACE,
        "@sp": SPAN,
      }),
      {
        severity: 17,
        body: "Paid 7 by Zoë",
        traceId: TRACE,
        spanId: SPAN,
        attributes: { "exception.type": "System.InvalidOperationException" },
      },
    ],
    [
      "Serilog compact without a level, which means information",
      json({ "@t": "2026-11-22T10:00:00Z", "@m": "up" }),
      { severity: 0, body: "up" },
    ],
    [
      "Datadog, decimal ids of 64 bits",
      json({ level: "info", message: "x", dd: { trace_id: "1234567890123456789", span_id: "987" } }),
      { traceId: "0000000000000000112210f47de98115", spanId: "00000000000003db" },
    ],
    [
      "Datadog, flat, hexadecimal ids of 128 bits",
      json({ status: "warn", message: "x", "dd.trace_id": TRACE, "dd.span_id": "17" }),
      { severity: 13, traceId: TRACE, spanId: "0000000000000011" },
    ],
    [
      "AWS X-Ray",
      json({ level: "INFO", message: "x", xray_trace_id: "1-5759e988-bd862e3fe1be46a994272793" }),
      { traceId: "5759e988bd862e3fe1be46a994272793" },
    ],
    [
      "Google Cloud",
      json({
        severity: "CRITICAL",
        message: "x",
        "logging.googleapis.com/trace": `projects/shop/traces/${TRACE}`,
        "logging.googleapis.com/spanId": SPAN,
        "logging.googleapis.com/trace_sampled": true,
      }),
      { severity: 18, traceId: TRACE, spanId: SPAN, flags: 1 },
    ],
    [
      "GELF",
      json({ version: "1.1", host: "a", short_message: "x", level: 3, timestamp: AT_TEN + 0.5 }),
      { severity: 17, body: "x", time: [AT_TEN, 500_000_000] },
    ],
    [
      "a traceparent among the fields",
      json({ level: "info", msg: "x", traceparent: `00-${TRACE}-${SPAN}-01` }),
      { traceId: TRACE, spanId: SPAN, flags: 1 },
    ],
    [
      "ids of zeros, which mean none",
      json({ level: "info", msg: "x", trace_id: "0".repeat(32) }),
      { traceId: "" },
    ],
    [
      "nanoseconds",
      json({ level: "info", msg: "x", time: "1795341600123456789" }),
      { time: [AT_TEN, 123_456_789] },
    ],
    [
      "a level no table has",
      json({ level: "chatty", msg: "x" }),
      { severity: 0, attributes: { level: "chatty" } },
    ],
    [
      "a message that is no text",
      json({ level: "error", message: { code: 7 } }),
      { severity: 17, attributes: { message: { code: 7 } } },
    ],
    [
      "keys of the language's own objects",
      '{"level":"info","msg":"x","__proto__":{"a":1},"constructor":"c"}',
      { body: "x", attributes: { constructor: "c" } },
    ],
  ])("%s", (_name, line, expected) => {
    expect(understand(line)).toMatchObject(expected);
    expect(understand(line).attributes["log.record.original"]).toBe(line);
  });

  it.each([
    ["data", '{"a":1}'],
    ["cut short", '{"level":"info","msg":"x'],
    ["broken", '{"level":info}'],
    ["a list", "[1,2]"],
  ])("leaves %s as text", (_name, line) => {
    expect(understand(line).body).toBe(line);
  });
});

describe("plain text", () => {
  it.each<[string, number, string]>([
    ["2026-11-22T10:00:00.123Z INFO up", 9, "up"],
    ["2026-11-22 10:00:00,123 [main] DEBUG com.shop.Main - up", 5, "[main] DEBUG com.shop.Main - up"],
    ["[2026-11-22T10:00:00Z ERROR shop::pay] no card", 17, "shop::pay] no card"],
    ["2026/11/22 10:00:00 [warn] 12#12: slow", 13, "12#12: slow"],
    ["W1122 10:00:00.000123   17 cart.go:7] slow", 13, "17 cart.go:7] slow"],
    ["10:00:00.123 [main] WARN  c.s.Main -- slow", 13, "[main] WARN  c.s.Main -- slow"],
    ["Nov 22 10:00:00 host app[7]: up", 0, "host app[7]: up"],
    ["error: no card", 17, "no card"],
    ["error[E0308]: mismatched types", 17, "mismatched types"],
    ["TypeError: no card", 17, "TypeError: no card"],
    ["npm ERR! code E404", 17, "npm ERR! code E404"],
    ["npm warn deprecated x", 13, "npm warn deprecated x"],
    ["fatal: not a git repository", 21, "not a git repository"],
    [
      "[Nest] 17  - 11/22/2026, 10:00:00 AM     LOG [Main] up",
      9,
      "[Nest] 17  - 11/22/2026, 10:00:00 AM     LOG [Main] up",
    ],
    ["\u001b[32mINFO\u001b[0m up", 9, "up"],
    ["listening on 8080", 0, "listening on 8080"],
    ["0 errors, 2 warnings", 0, "0 errors, 2 warnings"],
    ["wrote ERROR.txt", 0, "wrote ERROR.txt"],
    ["GET /info 200", 0, "GET /info 200"],
    ["a=1", 0, "a=1"],
  ])("%s", (line, severity, body) => {
    expect(understand(line)).toMatchObject({ severity, body });
  });

  it.each([
    ["2026-11-22T10:00:00.5Z x", AT_TEN, 500_000_000],
    ["2026-11-22T11:00:00+01:00 x", AT_TEN, 0],
    ["[22/Nov/2026:10:00:00 +0000] x", AT_TEN, 0],
    ["1795341600.25 x", AT_TEN, 250_000_000],
    ["1795341600123 x", AT_TEN, 123_000_000],
  ])("reads the time of %s", (line, seconds, nanoseconds) => {
    expect(understand(line).time).toEqual([seconds, nanoseconds]);
  });

  it("completes a time without zone, year or date from the clock", () => {
    const local = (year: number, month: number, day: number, hour: number): number =>
      new Date(year, month, day, hour).getTime() / 1000;
    const newYear = new Date(2027, 0, 1, 0, 30).getTime();
    expect(understandLine("2026-11-22 10:00:00 x", NOW_MS).time?.[0]).toBe(local(2026, 10, 22, 10));
    expect(understandLine("Dec 31 23:00:00 x", newYear).time?.[0]).toBe(local(2026, 11, 31, 23));
    expect(understandLine("Jan  1 00:00:00 x", newYear).time?.[0]).toBe(local(2027, 0, 1, 0));
    expect(understandLine("23:00:00 x", newYear).time?.[0]).toBe(local(2026, 11, 31, 23));
    expect(understandLine("00:00:00 x", newYear).time?.[0]).toBe(local(2027, 0, 1, 0));
  });

  it.each([
    [`handled 00-${TRACE}-${SPAN}-01 ok`, TRACE, SPAN],
    [`INFO [trace_id=${TRACE} span_id=${SPAN} trace_sampled=True] up`, TRACE, SPAN],
    [`up traceId: ${TRACE.toUpperCase()}`, TRACE, ""],
    [
      "up Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
      "5759e988bd862e3fe1be46a994272793",
      "53995c3f42cd8ad8",
    ],
    [
      "[dd.service=a dd.trace_id=17 dd.span_id=18] up",
      "00000000000000000000000000000011",
      "0000000000000012",
    ],
    [`up 00-${"0".repeat(32)}-${SPAN}-01`, "", ""],
    ["the trace of it was lost", "", ""],
  ])("finds the ids in %s", (line, traceId, spanId) => {
    expect(understand(line)).toMatchObject({ traceId, spanId });
  });
});

describe("logfmt", () => {
  it("reads quotes, escapes, numbers and truth", () => {
    const line =
      'ts=2026-11-22T10:00:00Z level=warn msg="say \\"hi\\"\\n" n=7 ok=true id=12345678901234567890';
    expect(understand(line)).toMatchObject({
      time: [AT_TEN, 0],
      severity: 13,
      body: 'say "hi"\n',
      attributes: { n: 7, ok: true, id: "12345678901234567890" },
    });
  });
});

describe("broken JSON", () => {
  it.each([
    ["cut short", '{"level":30,"msg":"request compl', 0],
    ["two objects", '{"msg":"a"}{"msg":"b"}', 0],
    ["single quotes", "{'level': 'ERROR', 'msg': 'no cart'}", 17],
    ["a comma too many", '{"level":"error","msg":"no cart",}', 17],
    ["not closed, with a level", '{"level":"warn","msg":"no ca', 13],
    ["no value", '{"msg":}', 0],
    ["a list", '[{"msg":"a"}]', 0],
    ["only a brace", "{", 0],
  ])("is text as it came: %s", (_name, line, severity) => {
    expect(understand(line)).toMatchObject({ body: line, severity });
  });

  it("may be nested as deep as a line is long", () => {
    const deep = `{"level":30,"msg":"deep","list":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    expect(understand(deep)).toMatchObject({ body: "deep", severity: 9 });
    expect(understand(deep.slice(0, -5))).toMatchObject({ body: deep.slice(0, -5) });
  });
});

describe("any line", () => {
  const seed = freshSeed();
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json(),
    fc
      .constantFrom("level=info msg=", "2026-11-22T10:00:00", "\u001b[31m", "ERROR ", "trace_id=")
      .chain((head) => fc.string().map((rest) => head + rest)),
  );

  it(`is understood without throwing, keeps its text, and has ids of the right shape (seed ${seed})`, () => {
    fc.assert(
      fc.property(anything, (line) => {
        const record = understand(line);
        expect(record.severity).toBeGreaterThanOrEqual(0);
        expect(record.severity).toBeLessThanOrEqual(24);
        expect(record.traceId).toMatch(/^(?:[0-9a-f]{32})?$/);
        expect(record.spanId).toMatch(/^(?:[0-9a-f]{16})?$/);
        if (record.time !== undefined) {
          expect(Number.isSafeInteger(record.time[0])).toBe(true);
          expect(record.time[1]).toBeLessThan(1e9);
        }
        const original = record.attributes["log.record.original"] ?? record.body;
        if (!line.includes("\u001b")) expect(original).toBe(line);
      }),
      { seed, numRuns: 500 },
    );
  });
});

/** Bodies of what a reader makes of these chunks. */
function read(chunks: readonly Uint8Array[]): LogToSend[] {
  const records: LogToSend[] = [];
  const clock = { nowMs: () => NOW_MS };
  const reader = createLineReader({ clock, attributes: {}, onRecord: (record) => records.push(record) });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return records;
}

describe("the line reader", () => {
  const seed = freshSeed();
  it(`gives the same lines however the bytes are cut (seed ${seed})`, () => {
    const line = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter(
        (text) => /\S/.test(text) && !["\r", "\n", "\0", "\u001b"].some((control) => text.includes(control)),
      );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.array(fc.nat(400)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\r\n`).join(""));
        const places = [...new Set([0, ...cuts.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end));
        expect(read(chunks)).toEqual(read([bytes]));
      }),
      { seed, numRuns: 200 },
    );
  });

  it.each<[string, string, readonly string[]]>([
    ["Windows line ends", "a\r\nb\r\n", ["a", "b"]],
    ["a progress bar", "10%\r50%\r100%\ndone", ["100%", "done"]],
    ["blank lines, which are no records", "a\n\n  \nb\n", ["a", "b"]],
    ["no newline at the end", "a\nb", ["a", "b"]],
  ])("reads %s", (_name, text, bodies) => {
    expect(read([Buffer.from(text)]).map(({ body }) => body)).toEqual(bodies);
  });

  it("reads a line that is not UTF-8 as Latin-1, and those around it as they are", () => {
    const bytes = Buffer.concat([Buffer.from("é\n"), Buffer.from([0x63, 0xe9, 0x0a]), Buffer.from("€\n")]);
    expect(read([bytes]).map(({ body }) => body)).toEqual(["é", "cé", "€"]);
  });
});

describe("stacks", () => {
  const STACKS: Readonly<Record<string, readonly [text: string, type: string, message: string]>> = {
    java: [
      'Exception in thread "main" java.lang.IllegalStateException: no card\n\tat com.shop.Pay.pay(Pay.java:7)\nCaused by: java.io.IOException: gone\n\tat com.shop.Net.get(Net.java:1)\n\t... 1 more',
      "java.lang.IllegalStateException",
      "no card",
    ],
    node: [
      "file:///shop/pay.js:7\n    throw new TypeError('no card');\n          ^\n\nTypeError: no card\n    at pay (file:///shop/pay.js:7:11) {\n  code: 'E_CARD'\n}\n\nNode.js v24.9.0",
      "TypeError",
      "no card",
    ],
    python: [
      'Traceback (most recent call last):\n  File "pay.py", line 7, in pay\n    card()\nKeyError: \'card\'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "pay.py", line 9, in pay\n    raise RuntimeError("no card")\nRuntimeError: no card',
      "RuntimeError",
      "no card",
    ],
    go: [
      "panic: no card\n\ngoroutine 1 [running]:\nmain.pay(...)\n\t/shop/pay.go:7 +0x18\nmain.main()\n\t/shop/main.go:3 +0x1d\nexit status 2",
      "panic",
      "no card",
    ],
    rust: [
      "thread 'main' panicked at src/pay.rs:7:5:\nno card\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
      "panic",
      "no card",
    ],
    dotnet: [
      "Unhandled exception. System.InvalidOperationException: no card\n   at Shop.Pay() in /shop/Pay.cs:line 7\n   at Program.Main() in /shop/Program.cs:line 3",
      "System.InvalidOperationException",
      "no card",
    ],
  };

  it.each(Object.entries(STACKS))("%s: one record, an error, between the lines around it", (_name, stack) => {
    const [text, type, message] = stack;
    const records = read([Buffer.from(`before\n${text}\nafter it\n`)]);
    expect(records.map(({ body }) => body)).toEqual(["before", expect.stringContaining(message), "after it"]);
    expect(records[1]!.severity).toBeGreaterThanOrEqual(17);
    expect(records[1]!.attributes).toMatchObject({
      "exception.type": type,
      "exception.message": message,
      "exception.stacktrace": text,
      "log.record.original": text,
    });
  });

  it("goes to the log line that announced it, whose level stays", () => {
    const text = "2026-11-22T10:00:00Z WARN retrying\njava.io.IOException: gone\n\tat A.b(A.java:1)";
    expect(read([Buffer.from(`${text}\nnext\n`)])).toMatchObject([
      {
        severity: 13,
        body: "retrying",
        attributes: {
          "exception.type": "java.io.IOException",
          "exception.message": "gone",
          "log.record.original": text,
        },
      },
      { body: "next" },
    ]);
  });
});
