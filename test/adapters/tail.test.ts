import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FileSet, followFiles } from "../../src/adapters/file-set.ts";
import { createOtlpClient, type OtlpClient } from "../../src/adapters/otlp-client.ts";
import { systemClock } from "../../src/model/time.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";

const WAIT = { timeout: 10_000, interval: 5 };

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

let folder: string;
let service: string;
let client: OtlpClient;
let set: FileSet | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(daemon.folder, "tail-"));
  service = folder.split("-").at(-1)!;
  client = createOtlpClient({
    endpoint: () => Promise.resolve(daemon.gasoline.url),
    apiKey: "",
    clock: systemClock,
  });
});
afterEach(async () => {
  await set?.close();
  set = undefined;
  await client.close(5_000);
});

async function follow(patterns: readonly string[], more: { fromStart?: boolean; positions?: object } = {}) {
  set = await followFiles({
    patterns: patterns.map((pattern) => join(folder, pattern)),
    client,
    clock: systemClock,
    service,
    fromStart: more.fromStart ?? false,
    positions: { ...more.positions },
    warn: (message) => {
      throw new Error(message);
    },
  });
  return set;
}

const lines = async (): Promise<unknown[]> => (await daemon.logs(service)).map((log) => log.body);
const path = (name: string): string => join(folder, name);
const append = (name: string, text: string): void => appendFileSync(path(name), text);

describe("gasoline tail", () => {
  it("reads what is added, not what was there, with the file's name", async () => {
    append("app.log", "old\n");
    await follow(["app.log"]);
    append("app.log", "2026-11-22T10:00:00Z WARN new\nand mo");
    append("app.log", "re\n");
    await expect.poll(lines, WAIT).toEqual(["new", "and more"]);
    const [log] = await daemon.logs(service);
    expect(log).toMatchObject({ severity: 13, attributes: { "log.file.path": path("app.log") } });
  });

  it("reads all of a file when asked to, in order", async () => {
    const all = Array.from({ length: 20_000 }, (_, i) => `line ${i}`);
    writeFileSync(path("app.log"), `${all.join("\n")}\n`);
    await follow(["app.log"], { fromStart: true });
    await expect.poll(async () => (await lines()).length, WAIT).toBe(all.length);
    expect(await lines()).toEqual(all);
  });

  it("waits for a file that is not there yet, and reads it from its start", async () => {
    await follow(["later/app.log"]);
    mkdirSync(path("later"));
    append("later/app.log", "first\n");
    await expect.poll(lines, WAIT).toEqual(["first"]);
  });

  it("follows a rotation by rename, and what is still written to the old file", async () => {
    append("app.log", "");
    await follow(["app.log"]);
    append("app.log", "a\n");
    renameSync(path("app.log"), path("app.log.1"));
    append("app.log.1", "b\n");
    append("app.log", "c\n");
    await expect.poll(lines, WAIT).toEqual(["a", "b", "c"]);
    append("app.log.1", "late\n");
    await expect.poll(lines, WAIT).toContain("late");
    append("app.log", "d\n");
    await expect.poll(async () => (await lines()).sort(), WAIT).toEqual(["a", "b", "c", "d", "late"]);
  });

  it("follows a rotation by copy and truncation", async () => {
    append("app.log", "");
    const files = await follow(["app.log"]);
    append("app.log", "one\ntwo\n");
    await expect.poll(lines, WAIT).toEqual(["one", "two"]);
    await files.poll();
    copyFileSync(path("app.log"), path("app.log.1"));
    truncateSync(path("app.log"), 0);
    append("app.log", "three\n");
    await expect.poll(lines, WAIT).toEqual(["one", "two", "three"]);
  });

  it("notices a truncation after which the file has already grown longer", async () => {
    append("app.log", "short\n");
    const files = await follow(["app.log"], { fromStart: true });
    await expect.poll(lines, WAIT).toEqual(["short"]);
    await files.poll();
    writeFileSync(path("app.log"), "longer than it was\nby far\n");
    await expect.poll(lines, WAIT).toEqual(["short", "longer than it was", "by far"]);
  });

  it("goes on when a file vanishes and comes back", async () => {
    append("app.log", "");
    await follow(["app.log"]);
    append("app.log", "before\n");
    await expect.poll(lines, WAIT).toEqual(["before"]);
    unlinkSync(path("app.log"));
    append("app.log", "after\n");
    await expect.poll(lines, WAIT).toEqual(["before", "after"]);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    append("app.log", "folder too\n");
    await expect.poll(lines, WAIT).toEqual(["before", "after", "folder too"]);
  });

  it("follows what matches a pattern, also what comes to match it later", async () => {
    append("a.log", "");
    append("b.txt", "");
    await follow(["*.log"]);
    append("a.log", "from a\n");
    append("b.txt", "not asked for\n");
    append("c.log", "from c\n");
    await expect.poll(async () => (await lines()).sort(), WAIT).toEqual(["from a", "from c"]);
  });

  it("goes on where an earlier run stopped, unless the file is another by then", async () => {
    append("same.log", "1\n");
    append("other.log", "1\n");
    const first = await follow(["*.log"], { fromStart: true });
    await expect.poll(async () => (await lines()).length, WAIT).toBe(2);
    await first.close();
    const positions = first.positions();
    append("same.log", "2\n");
    renameSync(path("other.log"), path("other.gone"));
    append("other.log", "new 1\n");
    await follow(["*.log"], { positions });
    await expect.poll(async () => (await lines()).sort(), WAIT).toEqual(["1", "1", "2", "new 1"]);
  });

  const logrotate = ["/usr/sbin/logrotate", "/usr/bin/logrotate"].find((file) => existsSync(file));
  it.skipIf(logrotate === undefined).each(["create", "copytruncate"])(
    "survives the real logrotate, %s (skipped where it is not installed)",
    async (way) => {
      const config = `${path("app.log")} {\n  rotate 9\n  ${way}\n  su root root\n}\n`;
      writeFileSync(path("rotate.conf"), config, { mode: 0o600 });
      append("app.log", "");
      const files = await follow(["app.log"]);
      for (let round = 0; round < 3; round++) {
        append("app.log", `line ${round}\n`);
        await files.poll();
        execFileSync(logrotate!, ["--force", "--state", path("state"), path("rotate.conf")]);
      }
      append("app.log", "last\n");
      await expect.poll(lines, WAIT).toEqual(["line 0", "line 1", "line 2", "last"]);
    },
  );
});

describe("the command", () => {
  it("follows files until it is stopped, and keeps its place for the next time", async () => {
    const log = path("cli.log");
    const args = ["tail", "--service", service, log];
    for (const text of ["first", "second"]) {
      const child = daemon.start(args);
      await new Promise((resolve) => child.stderr!.once("data", resolve));
      appendFileSync(log, `${text}\n`);
      await expect.poll(lines, WAIT).toContain(text);
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
      expect(child.exitCode).toBe(0);
      appendFileSync(log, `after ${text}\n`);
    }
    expect(await lines()).toEqual(["first", "after first", "second"]);
    const kept = JSON.parse(readFileSync(join(daemon.folder, ".gasoline/tail.json"), "utf8"));
    expect(kept[log]).toMatchObject({ offset: "first\nafter first\nsecond\n".length });
    const { events } = await daemon.observe({ what: "logs", service });
    expect(events.map(({ message }) => message)).toEqual(["second", "after first", "first"]);
  });

  it("reads stdin to its end and passes it on", async () => {
    const child = daemon.start(["tail", "--service", service, "-"]);
    const chunks: Buffer[] = [];
    child.stdout!.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin!.end("level=error msg=piped n=1\nno newline");
    await new Promise((resolve) => child.once("close", resolve));
    expect(String(Buffer.concat(chunks))).toBe("level=error msg=piped n=1\nno newline");
    expect((await daemon.logs(service)).map(({ body, severity }) => [body, severity])).toEqual([
      ["piped", 17],
      ["no newline", 0],
    ]);
  });

  it("is run by a daemon itself with serve --tail", async () => {
    const log = path("own.log");
    appendFileSync(log, "old\n");
    const args = ["serve", "--port", "0", "--state-dir", path("own"), "--tail", join(folder, "own*.log")];
    const own = daemon.start(args);
    const screen = await new Promise<string>((resolve) =>
      own.stdout!.once("data", (chunk) => resolve(String(chunk))),
    );
    const url = /listening on (\S+)/.exec(screen)![1]!;
    appendFileSync(log, "ERROR new\n");
    const observe = async (): Promise<string> =>
      (await fetch(`${url}/api/observe?what=logs&service=own&format=text`)).text();
    await expect.poll(observe, WAIT).toContain("error own new");
    own.kill("SIGTERM");
    await new Promise((resolve) => own.once("close", resolve));
    expect(own.exitCode).toBe(0);
  });

  it("is refused without files", async () => {
    expect(await daemon.run(["tail"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("needs files"),
    });
  });
});
