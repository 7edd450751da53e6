import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DockerLogs, followContainers } from "../../src/adapters/docker.ts";
import { containerOf, isNamed } from "../../src/adapters/docker-container.ts";
import { dockerEngine } from "../../src/adapters/docker-engine.ts";
import { createFrameReader, createTerminalReader } from "../../src/adapters/docker-frames.ts";
import { createContainerLog } from "../../src/adapters/docker-log.ts";
import { createOtlpClient, type LogToSend, type OtlpClient } from "../../src/adapters/otlp-client.ts";
import { systemClock } from "../../src/model/time.ts";
import { startTestDaemon, type TestDaemon } from "./daemon.ts";
import { type DockerStandIn, frame, RECORDED, startDockerStandIn } from "./docker-standin.ts";

const WAIT = { timeout: 10_000, interval: 5 };

/** All records of a log, read in one go from chunks that are cut after `cuts` bytes each. */
function recordsOf(
  recorded: { readonly log: Buffer },
  terminal: boolean,
  cuts: readonly number[],
): LogToSend[] {
  const records: LogToSend[] = [];
  const log = createContainerLog([0, 0], { clock: systemClock, onRecord: (record) => records.push(record) });
  const reader = terminal ? createTerminalReader(log.entry) : createFrameReader(log.entry);
  let at = 0;
  for (let i = 0; at < recorded.log.length; i++) {
    const end = at + cuts[i % cuts.length]!;
    reader.push(recorded.log.subarray(at, end));
    at = end;
  }
  reader.end();
  log.end();
  return records;
}

describe("the log of a container", () => {
  it("is read as the real engine sent it", () => {
    const records = recordsOf(RECORDED.framed, false, [RECORDED.framed.log.length]);
    const told = records.map(({ body, severity, attributes }) => [
      String(body).slice(0, 20),
      severity,
      attributes["log.iostream"],
    ]);
    expect(told.sort()).toEqual([
      ["Error: boom", 17, "stderr"],
      ["listening on 8080", 9, "stdout"],
      ["no cart", 17, "stderr"],
      ["no newline", 0, "stdout"],
      ["x".repeat(20), 0, "stdout"],
      ["ünïcode", 0, "stdout"],
    ]);
    const byBody = (start: string): LogToSend => records.find(({ body }) => String(body).startsWith(start))!;
    expect(byBody("xxx").body).toBe("x".repeat(20_000));
    expect(byBody("no cart").traceId).toBe("0af7651916cd43dd8448eb211c80319c");
    expect(byBody("no newline").time).toEqual([Date.UTC(2026, 10, 22, 19, 55, 7) / 1000, 642_795_413]);
    expect(byBody("Error").attributes["exception.stacktrace"]).toContain("at b (/app/b.js:2:2)");
  });

  it("is read without frames when the container has a terminal", () => {
    const records = recordsOf(RECORDED.terminal, true, [RECORDED.terminal.log.length]);
    expect(records.map(({ body }) => body)).toEqual(["terminal", "two", "y".repeat(20_000), "end"]);
  });

  const seed = Date.now();
  it(`does not depend on where its bytes are cut (seed ${seed})`, () => {
    for (const [recorded, terminal] of [
      [RECORDED.framed, false],
      [RECORDED.terminal, true],
    ] as const) {
      const whole = recordsOf(recorded, terminal, [recorded.log.length]);
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }), (cuts) => {
          expect(recordsOf(recorded, terminal, cuts)).toEqual(whole);
        }),
        { seed, numRuns: 50 },
      );
    }
  });

  it("refuses bytes that are no frame", () => {
    const reader = createFrameReader(() => undefined);
    expect(() => reader.push(Buffer.from("HTTP/1.1 200 OK"))).toThrow("frame");
  });
});

describe("names", () => {
  const container = containerOf({
    Id: "ab12".padEnd(64, "0"),
    Name: "/shop-cart-1",
    State: { Running: true },
    Config: { Tty: false, Image: "registry:5000/cart:1.2", Labels: { "com.docker.compose.service": "cart" } },
  });
  it.each([
    [[], true],
    [["cart"], true],
    [["shop-cart-1"], true],
    [["ab12"], true],
    [["ab13"], false],
    [["shop"], false],
  ])("%j picks the container: %s", (names, picked) => {
    expect(isNamed(container, names)).toBe(picked);
  });
  it("tell the image apart from its tag", () => {
    expect(container.resource).toMatchObject({
      "service.name": "cart",
      "container.image.name": "registry:5000/cart",
      "container.image.tags": ["1.2"],
    });
  });
  it("of a place that cannot be asked are refused with a remedy", () => {
    expect(() => dockerEngine({ DOCKER_HOST: "ssh://host" })).toThrow("ssh -L");
  });
});

let daemon: TestDaemon;
beforeAll(async () => {
  daemon = await startTestDaemon();
});
afterAll(() => daemon.stop());

describe("containers (Docker Engine API stand-in)", () => {
  let path: string;
  let standIn: DockerStandIn;
  let client: OtlpClient;
  let logs: DockerLogs;
  let told: string[];
  let service: string;
  let count = 0;
  beforeEach(async () => {
    service = `cart${count++}`;
    path = join(daemon.folder, `${service}.sock`);
    standIn = await startDockerStandIn(path);
    standIn.containers.set("c1", { id: "c1", name: service, terminal: false, running: true, entries: [] });
    client = createOtlpClient({
      endpoint: () => Promise.resolve(daemon.gasoline.url),
      apiKey: "",
      clock: systemClock,
    });
    told = [];
  });
  afterEach(async () => {
    await logs.close();
    await client.close(5_000);
    await standIn.close();
  });

  function follow(names: readonly string[] = [], fromStart = false): void {
    logs = followContainers({
      engine: dockerEngine({ DOCKER_HOST: `unix://${path}` }),
      ...{ names, fromStart, client, clock: systemClock },
      tell: (message) => told.push(message),
    });
  }

  /** An entry at `ms` after the stand-in's clock. */
  const entry = (ms: number, text: string, stream: 1 | 2 = 1) => {
    const time = `2026-11-22T10:00:${String(Math.floor(ms / 1000)).padStart(2, "0")}.${String(ms % 1000).padStart(3, "0")}000000Z`;
    return { time, bytes: frame(stream, `${time} ${text}`) };
  };
  const bodies = async (of = service): Promise<unknown[]> => (await daemon.logs(of)).map(({ body }) => body);

  it("are followed from now on, with what they are", async () => {
    standIn.write("c1", entry(-0, "same moment\n"));
    follow();
    await expect.poll(() => standIn.asked.length, WAIT).toBe(1);
    standIn.write("c1", entry(5, "ERROR new\n", 2));
    await expect.poll(async () => (await bodies()).sort(), WAIT).toEqual(["new", "same moment"]);
    const log = (await daemon.logs(service)).find(({ body }) => body === "new")!;
    expect(log).toMatchObject({
      severity: 17,
      attributes: { "log.iostream": "stderr" },
      resource: { attributes: { "container.name": service, "container.image.name": "shop/cart" } },
    });
    expect(log.timeNs).toBe(BigInt(Date.UTC(2026, 10, 22, 10)) * 1_000_000n + 5_000_000n);
  });

  it("lose and repeat nothing when the engine goes away, whatever was under way", async () => {
    const all: string[] = [];
    const write = (n: number): void => {
      const entries = Array.from({ length: n }, (_, i) => {
        const at = all.length;
        all.push(`line ${at}`);
        // Ten entries a stamp, and the two outputs' stamps cross.
        const ms = Math.floor(at / 10) + (i % 2) * 3;
        return entry(ms, `line ${at}\n`, i % 2 === 0 ? 1 : 2);
      });
      standIn.write("c1", ...entries);
    };
    standIn.chunkBytes = 97;
    follow();
    await expect.poll(() => standIn.asked.length, WAIT).toBe(1);
    for (let round = 0; round < 4; round++) {
      const asked = standIn.asked.length;
      write(1_000);
      standIn.cut();
      await expect.poll(() => standIn.asked.length, WAIT).toBeGreaterThan(asked);
    }
    const ordered = [...all].sort();
    await expect.poll(async () => (await bodies()).length, WAIT).toBeGreaterThanOrEqual(all.length);
    expect((await bodies()).sort()).toEqual(ordered);
  });

  it("that start, restart and are renamed are followed on", async () => {
    follow([service, "later"]);
    await expect.poll(() => standIn.asked.length, WAIT).toBe(1);
    standIn.containers.set("c2", { id: "c2", name: "later", terminal: true, running: false, entries: [] });
    standIn.containers.set("c3", { id: "c3", name: "other", terminal: false, running: false, entries: [] });
    standIn.start("c2");
    standIn.start("c3");
    await expect.poll(() => standIn.asked.length, WAIT).toBe(2);
    const time = "2026-11-22T10:00:01.000000000Z";
    standIn.write("c2", { time, bytes: Buffer.from(`${time} raw\r\n`) });
    standIn.write("c1", entry(1, "before\n"));
    standIn.stop("c1");
    await expect.poll(() => bodies(), WAIT).toEqual(["before"]);
    standIn.start("c1");
    await expect.poll(() => standIn.asked.length, WAIT).toBe(3);
    standIn.write("c1", entry(2, "after\n"));
    await expect.poll(() => bodies(), WAIT).toEqual(["before", "after"]);
    standIn.rename("c1", `${service}-new`);
    await expect
      .poll(async () => {
        standIn.write("c1", entry(3, "renamed\n"));
        return bodies(`${service}-new`);
      }, WAIT)
      .toContain("renamed");
    expect(await bodies("later")).toEqual(["raw"]);
    expect(await bodies("other")).toEqual([]);
  });

  it("are waited for while no engine answers, with a remedy", async () => {
    await standIn.close();
    follow();
    await expect
      .poll(() => told, WAIT)
      .toEqual([expect.stringContaining("start Docker, or set DOCKER_HOST")]);
    const containers = standIn.containers;
    standIn = await startDockerStandIn(path);
    standIn.containers.set("c1", containers.get("c1")!);
    await expect.poll(() => standIn.asked.length, WAIT).toBe(1);
    standIn.write("c1", entry(1, "back\n"));
    await expect.poll(() => bodies(), WAIT).toEqual(["back"]);
    expect(told).toContain(`following ${service}`);
  });
});

const realSocket = process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock";
const real = existsSync(realSocket.replace("unix://", ""));

describe.skipIf(!real)("containers (the real engine; skipped where none listens)", () => {
  const docker = (...args: readonly string[]): string =>
    String(execFileSync("docker", [...args], { env: { ...process.env, DOCKER_HOST: realSocket } }));
  // An image of nothing but a static shell, so that nothing is pulled.
  const shell = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

  it.skipIf(shell === undefined)("send what they print, by the command", async () => {
    const name = `gasoline-test-${process.pid}`;
    const folder = join(daemon.folder, "image");
    execFileSync("sh", ["-c", `mkdir -p ${folder}/bin && cp ${shell} ${folder}/bin/sh`]);
    execFileSync("sh", ["-c", `tar -C ${folder} -c . | docker import - ${name}`], {
      env: { ...process.env, DOCKER_HOST: realSocket },
    });
    const child = daemon.start(["docker", name], { DOCKER_HOST: realSocket });
    try {
      await new Promise((resolve) => child.stderr!.once("data", resolve));
      const lines = 2_000;
      const program = `i=0; while [ $i -lt ${lines} ]; do echo "line $i"; i=$((i+1)); done; echo ERROR bad >&2`;
      docker("run", "--name", name, "--network", "none", "-d", name, "/bin/sh", "-c", program);
      await expect.poll(async () => (await daemon.logs(name)).length, WAIT).toBe(lines + 1);
      const { events } = await daemon.observe({ what: "logs", service: name, level: "error" });
      expect(events.map(({ message }) => message)).toEqual(["bad"]);
    } finally {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("close", resolve));
      docker("rm", "-f", name);
      docker("rmi", name);
    }
  });
});
