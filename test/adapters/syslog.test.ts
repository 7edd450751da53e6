import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOtlpClient, type OtlpClient } from "../../src/adapters/otlp-client.ts";
import { type SyslogReceiver, startSyslog } from "../../src/adapters/syslog.ts";
import { createSyslogFrames } from "../../src/adapters/syslog-frames.ts";
import { parseSyslog } from "../../src/adapters/syslog-message.ts";
import { systemClock } from "../../src/model/time.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const WAIT = { timeout: 10_000, interval: 5 };
const NOW_MS = Date.UTC(2026, 0, 15, 12);
const seconds = (month: number, day: number, hour: number, minute: number, second: number): number =>
  Date.UTC(2026, month, day, hour, minute, second) / 1000;
const local = (
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  year = 2026,
): number => new Date(year, month, day, hour, minute, second).getTime() / 1000;

describe("a syslog message", () => {
  it.each([
    [
      "<34>1 2026-01-11T22:14:15.003001Z web su 7 ID47 - \ufeff'su root' failed",
      { severity: 18, facility: "auth", host: "web", app: "su", processId: "7", messageId: "ID47" },
      { message: "'su root' failed", time: [seconds(0, 11, 22, 14, 15), 3_001_000], malformed: "" },
    ],
    [
      '<165>1 2026-01-11T22:14:15+01:00 web app - - [a@1 x="1" y="q\\"[\\]\\\\"][b@2] two  spaces',
      { severity: 10, structured: { "a@1": { x: "1", y: 'q"[]\\' }, "b@2": {} }, message: "two  spaces" },
      { time: [seconds(0, 11, 21, 14, 15), 0] },
    ],
    ["<14>1 - - - - - - only", { host: "", app: "", time: undefined }, { message: "only", malformed: "" }],
    [
      '<11>1 - h app - - [opentelemetry trace_id="0af7651916cd43dd8448eb211c80319c" span_id="b7ad6b7169203331" trace_flags="01"] traced',
      { message: "traced", severity: 17 },
      { ids: { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", flags: 1 } },
    ],
    [
      "<34>Jan 11 22:14:15 mymachine su[7]: 'su root' failed",
      { host: "mymachine", app: "su", processId: "7", message: "'su root' failed" },
      { time: [local(0, 11, 22, 14, 15), 0], malformed: "" },
    ],
    [
      "<13>Dec 31 23:59:58 h app: last year's",
      { message: "last year's" },
      { time: [local(11, 31, 23, 59, 58, 2025), 0] },
    ],
    [
      "<13>Jan  5 17:32:18 10.0.0.99 Use the BFG!",
      { host: "10.0.0.99", app: "" },
      { message: "Use the BFG!" },
    ],
    ["<13>Jan  5 17:32:18 app[9]: no host", { host: "", app: "app", processId: "9" }, { message: "no host" }],
    [
      "<13>2026-01-05T17:32:18.5+00:00 host app: ISO time, as rsyslog forwards",
      { host: "host", app: "app" },
      { time: [seconds(0, 5, 17, 32, 18), 500_000_000], malformed: "" },
    ],
    ["<12>app: no time", { app: "app", severity: 13, message: "no time" }, { malformed: "no header" }],
    ["no priority", { severity: 0, message: "no priority" }, { malformed: "no priority" }],
    ["<999>1 - - - - - - x", { message: "<999>1 - - - - - - x" }, { malformed: "no priority" }],
    ["<13>1 2026", { message: "2026" }, { malformed: "header cut short" }],
    [
      '<13>1 - h a - - [x y="1" oops',
      { host: "h", message: '[x y="1" oops' },
      { malformed: "structured data" },
    ],
    ["<13>1 yesterday h a - - - m", { message: "m", time: undefined }, { malformed: "timestamp" }],
  ])("%j", (text, some, more) => {
    expect(parseSyslog(text, NOW_MS)).toMatchObject({ ...some, ...more });
  });

  const seed = Date.now();
  it(`is never lost and never throws (seed ${seed})`, () => {
    const piece = fc.constantFrom(
      "<13>",
      "1 ",
      "- ",
      "[",
      "]",
      '"',
      "=",
      "\\",
      " ",
      "Jan  5 17:32:18",
      "a",
      "[x y=",
      ":",
    );
    const text = fc
      .array(fc.oneof(piece, fc.string({ unit: "binary", maxLength: 5 })))
      .map((all) => all.join(""));
    fc.assert(
      fc.property(text, (message) => {
        const parsed = parseSyslog(message, NOW_MS);
        expect(message.endsWith(parsed.message)).toBe(true);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe("a TCP connection", () => {
  const read = (bytes: Buffer, cuts: readonly number[]): string[] => {
    const messages: string[] = [];
    const frames = createSyslogFrames((text, length) =>
      messages.push(length === undefined ? text : `${length}`),
    );
    let at = 0;
    for (let i = 0; at < bytes.length; i++) {
      const end = at + cuts[i % cuts.length]!;
      frames.push(bytes.subarray(at, end));
      at = end;
    }
    frames.end();
    return messages;
  };
  const seed = Date.now();
  it(`may count octets or end lines, cut anywhere (seed ${seed})`, () => {
    const counted = "<13>two\nlines é";
    const stream = Buffer.from(
      `<13>a\n${Buffer.byteLength(counted)} ${counted}6 <13>bc\n\n2026 is no count\n12345678901 <13>x\r\n7 <13>end`,
    );
    const messages = ["<13>a", counted, "<13>bc", "2026 is no count", "12345678901 <13>x", "<13>end"];
    expect(read(stream, [stream.length])).toEqual(messages);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }), (cuts) => {
        expect(read(stream, cuts)).toEqual(messages);
      }),
      { seed, numRuns: 200 },
    );
  });

  it("keeps the start of a message that is too long, and goes on behind it", () => {
    const long = `<13>${"x".repeat(400_000)}`;
    const stream = Buffer.from(`${long.length} ${long}5 <13>y${long}\n<13>z\n`);
    expect(read(stream, [60_000])).toEqual([String(long.length), "<13>y", String(long.length), "<13>z"]);
  });
});

let daemon: TestDaemon;
let client: OtlpClient;
let receiver: SyslogReceiver;
beforeAll(async () => {
  daemon = await startTestDaemon();
  client = createOtlpClient({
    endpoint: () => Promise.resolve(daemon.gasoline.url),
    apiKey: "",
    clock: systemClock,
  });
  receiver = await startSyslog({ host: "127.0.0.1", port: 0, client, clock: systemClock });
});
afterAll(async () => {
  await receiver.close();
  await client.close(5_000);
  await daemon.stop();
});

async function sendUdp(...messages: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const message of messages) {
    await new Promise<void>((resolve) => socket.send(message, receiver.port, "127.0.0.1", () => resolve()));
  }
  socket.close();
}

describe("the receiver", () => {
  it("makes a service of each program, with host, process and facility", async () => {
    await sendUdp('<131>1 2026-11-22T10:00:00Z web shop 7 - [x@1 a="b"] {"level":30,"msg":"told as JSON"}');
    await expect.poll(async () => (await daemon.logs("shop")).length, WAIT).toBe(1);
    expect((await daemon.logs("shop"))[0]).toMatchObject({
      body: "told as JSON",
      severity: 9,
      resource: { attributes: { "host.name": "web" } },
      attributes: {
        "process.pid": 7,
        "gasoline.syslog.facility": "local0",
        "gasoline.syslog.structured_data": { "x@1": { a: "b" } },
      },
    });
  });

  it("joins a stack that comes line by line, or in one message", async () => {
    const lines = ["Error: boom", "    at a (/app/a.js:1:1)", "    at b (/app/b.js:2:2)"];
    await sendUdp(
      ...lines.map((line) => `<11>Nov 22 10:00:00 web lines: ${line}`),
      `<11>Nov 22 10:00:00 web whole: ${lines.join("\n")}`,
      "<14>Nov 22 10:00:00 web list: two\nlines",
    );
    for (const service of ["lines", "whole"]) {
      await expect.poll(async () => (await daemon.logs(service)).length, WAIT).toBe(1);
      const [log] = await daemon.logs(service);
      expect(log).toMatchObject({
        body: "Error: boom",
        attributes: { "exception.stacktrace": lines.join("\n") },
      });
    }
    await expect.poll(async () => (await daemon.logs("list"))[0]?.body, WAIT).toBe("two\nlines");
  });

  it("takes datagrams as large as they come, and keeps what is malformed with a mark", async () => {
    const large = "y".repeat(60_000);
    await sendUdp(`<13>Nov 22 10:00:00 web large: ${large}`, Buffer.from([0xff, 0x00, 0x80]), "gibberish");
    await expect.poll(async () => (await daemon.logs("large"))[0]?.body, WAIT).toBe(large);
    await expect
      .poll(async () => (await daemon.logs("syslog")).map(({ body }) => body), WAIT)
      .toContain("gibberish");
    const odd = (await daemon.logs("syslog")).find(({ body }) => body === "gibberish");
    expect(odd?.attributes["gasoline.syslog.malformed"]).toBe("no priority");
  });

  it("makes no more than 256 services at a time, and forgets those that are silent", async () => {
    let nowMs = systemClock.nowMs();
    const clock = { nowMs: () => nowMs };
    const own = await startSyslog({ host: "127.0.0.1", port: 0, client, clock });
    const socket = connect(own.port, "127.0.0.1");
    const bodies = async (service: string) => (await daemon.logs(service)).map(({ body }) => body);
    const lines = Array.from({ length: 1_000 }, (_, i) => `<13>Nov 22 10:00:00 web many-${i}: m${i}\n`);
    socket.write(lines.join(""));
    await expect.poll(() => bodies("syslog"), WAIT).toContain("m999");
    expect(await bodies("many-0")).toEqual(["m0"]);
    expect(await bodies("many-999")).toEqual([]);
    const other = (await daemon.logs("syslog")).find(({ body }) => body === "m999");
    expect(other?.attributes["gasoline.syslog.app"]).toBe("many-999");

    nowMs += 59_000;
    socket.write("<13>Nov 22 10:00:59 web many-0: still here\n<13>Nov 22 10:00:59 web late: too early\n");
    await expect.poll(() => bodies("syslog"), WAIT).toContain("too early");
    nowMs += 2_000;
    const later = ["late: has room", "many-0: and is the same"];
    socket.end(later.map((line) => `<13>Nov 22 10:01:01 web ${line}\n`).join(""));
    await expect.poll(() => bodies("late"), WAIT).toEqual(["has room"]);
    await expect.poll(() => bodies("many-0"), WAIT).toEqual(["m0", "still here", "and is the same"]);
    await own.close();
  });

  it("says which port it could not have", async () => {
    const again = startSyslog({ host: "127.0.0.1", port: receiver.port, client, clock: systemClock });
    await expect(again).rejects.toThrow(/EADDRINUSE.*--port/s);
  });
});

const logger = ["/usr/bin/logger", "/bin/logger"].find((path) => existsSync(path));
describe.skipIf(logger === undefined)("logger of util-linux (skipped where it is not installed)", () => {
  it.each([
    ["udp", ["--udp"]],
    ["tcp", ["--tcp"]],
    ["octets", ["--tcp", "--octet-count"]],
    ["rfc3164", ["--udp", "--rfc3164"]],
  ])("sends by %s", async (name, how) => {
    const port = String(receiver.port);
    const to = [
      "--server",
      "127.0.0.1",
      "--port",
      port,
      "--tag",
      `logger-${name}`,
      "--priority",
      "local3.err",
    ];
    await promisify(execFile)(logger!, [...to, ...how, "from a shell: ünïcode"]);
    await expect.poll(async () => (await daemon.logs(`logger-${name}`)).length, WAIT).toBe(1);
    const [log] = await daemon.logs(`logger-${name}`);
    expect(log).toMatchObject({
      body: "from a shell: ünïcode",
      severity: 17,
      attributes: { "gasoline.syslog.facility": "local3" },
    });
    expect(log!.attributes).not.toHaveProperty(["gasoline.syslog.malformed"]);
    expect(Math.abs(Number(log!.timeNs / 1_000_000n) - Date.now())).toBeLessThan(30_000);
  });
});

const rsyslogd = ["/usr/sbin/rsyslogd", "/sbin/rsyslogd"].find((path) => existsSync(path));
describe.skipIf(rsyslogd === undefined)("rsyslogd (skipped where it is not installed)", () => {
  it.each([
    ["RSYSLOG_SyslogProtocol23Format", "octet-counted"],
    ["RSYSLOG_ForwardFormat", "traditional"],
    ["RSYSLOG_TraditionalForwardFormat", "traditional"],
  ])("forwards a log file with %s, %s", async (template, framing) => {
    const folder = join(daemon.folder, template);
    mkdirSync(folder);
    const tag = `rsyslog-${template.slice(8, 14)}`;
    const file = join(folder, "in.log");
    const lines = Array.from({ length: 500 }, (_, i) => `ERROR line ${i}`);
    writeFileSync(file, `${lines.join("\n")}\n`);
    const target = `target="127.0.0.1" port="${receiver.port}" protocol="tcp" TCP_Framing="${framing}"`;
    const config = [
      `module(load="imfile")`,
      `global(workDirectory="${folder}")`,
      `input(type="imfile" File="${file}" Tag="${tag}:" Facility="local5" Severity="info")`,
      `action(type="omfwd" ${target} Template="${template}")`,
    ];
    writeFileSync(join(folder, "rsyslog.conf"), `${config.join("\n")}\n`);
    const args = ["-n", "-f", join(folder, "rsyslog.conf"), "-i", join(folder, "pid")];
    const child: ChildProcess = spawn(rsyslogd!, args, { stdio: "ignore" });
    try {
      await expect.poll(async () => (await daemon.logs(tag)).length, WAIT).toBe(500);
      const logs = await daemon.logs(tag);
      expect(logs.map(({ body }) => body)).toEqual(lines.map((line) => line.replace("ERROR ", "")));
      expect(logs[0]).toMatchObject({ severity: 17, attributes: { "gasoline.syslog.facility": "local5" } });
      expect(logs[0]!.attributes).not.toHaveProperty(["gasoline.syslog.malformed"]);
    } finally {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
    }
  });
});

it("is a command", async () => {
  const child = daemon.start(["syslog", "--port", "0"]);
  const line = await new Promise<string>((resolve) =>
    child.stderr!.once("data", (chunk) => resolve(String(chunk))),
  );
  const port = Number(/port (\d+)/.exec(line)![1]);
  const socket = connect(port, "127.0.0.1");
  socket.end("<11>1 - h by-command - - - told\n");
  await expect.poll(async () => (await daemon.logs("by-command"))[0]?.body, WAIT).toBe("told");
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("close", resolve));
  expect(child.exitCode).toBe(0);
});

it("is run by a daemon itself, with the others, by flags or by its file", async () => {
  const stateDir = join(daemon.folder, "own");
  mkdirSync(stateDir);
  execFileSync("git", ["init", "-q", daemon.folder]);
  writeFileSync(join(stateDir, "config.json"), '{"git":true,"docker":["none"]}');
  const docker = { DOCKER_HOST: `unix://${daemon.folder}/none.sock` };
  const own = daemon.start(["serve", "--port", "0", "--syslog=0", "--state-dir", stateDir], docker);
  let said = "";
  own.stderr!.on("data", (chunk) => {
    said += String(chunk);
  });
  const screen = await new Promise<string>((resolve) =>
    own.stdout!.once("data", (chunk) => resolve(String(chunk))),
  );
  expect(said).toContain("gasoline git: watching");
  await expect.poll(() => said, WAIT).toContain("No Docker engine answers");
  const socket = connect(Number(/port (\d+), UDP/.exec(said)![1]), "127.0.0.1");
  socket.end("<11>1 - h in-daemon - - - told\n");
  const url = /listening on (\S+)/.exec(screen)![1]!;
  const observe = async (): Promise<string> =>
    (await fetch(`${url}/api/observe?what=logs&service=in-daemon&format=text`)).text();
  await expect.poll(observe, WAIT).toContain("error in-daemon told");
  own.kill("SIGTERM");
  await new Promise((resolve) => own.once("close", resolve));
  expect(own.exitCode).toBe(0);
});
