import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pairingToken } from "../../src/http/pairing.ts";
import { openStore } from "../query/fixture.ts";
import { type Dial, EFFECT, STATE, StandInExtension } from "../support/stand-in-extension.ts";
import { startApi, type TestApi } from "./fixture.ts";

let api: TestApi;
const opened: StandInExtension[] = [];

beforeEach(async () => {
  api = await startApi(openStore());
});
afterEach(async () => {
  for (const extension of opened.splice(0)) extension.socket.terminate();
  await api.close();
});

const token = (): string => pairingToken(api.stateDir);

async function pair(dial: Dial = {}): Promise<StandInExtension> {
  const extension = await StandInExtension.connect(api.url, { token: token(), ...dial });
  opened.push(extension);
  return extension;
}

/** Dials without a greeting; for those that are turned away. */
function dial(how: Dial): StandInExtension {
  const extension = new StandInExtension(api.url, how);
  opened.push(extension);
  return extension;
}

async function ask(input: object): Promise<{ status: number; body: Record<string, never> }> {
  const response = await fetch(`${api.url}/api/interact`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}

const CLICK = { action: "explore", steps: [{ type: "click", target: "aria/Pay" }] };
const PAGE = {
  name: "page",
  page: {
    tab_id: 7,
    url: "http://localhost:3000/",
    title: "Shop",
    lines: ['button "Pay" → aria/Pay'],
    lines_left_out: 0,
  },
} as const;

describe("who may connect", () => {
  test.each<[name: string, dial: Dial, status: number, said: RegExp]>([
    ["a page", { origin: "http://localhost:3000" }, 403, /forbidden_origin/],
    ["another extension", { origin: "chrome-extension://abcdefghijklmnopabcdefghijklmnop" }, 403, /fixed/],
    ["a program", { origin: undefined }, 403, /names no Origin/],
    ["a rebound name", { headers: { host: "evil.example:7890" } }, 403, /forbidden_host/],
    ["another path", { path: "/elsewhere" }, 404, /\/extension/],
  ])("%s is refused before the handshake", async (_name, how, status, said) => {
    const { socket } = dial({ token: token(), ...how });
    const refused = await new Promise<{ status: number; body: string }>((resolve) => {
      socket.once("unexpected-response", (_request, response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on("end", () => resolve({ status: response.statusCode!, body }));
      });
    });
    expect(refused.status).toBe(status);
    expect(refused.body).toMatch(said);
  });

  test.each<[name: string, dial: Dial, code: number, said: RegExp]>([
    ["no token", { token: "" }, 4401, /gasoline extension/],
    ["a wrong token", { token: "A".repeat(43) }, 4401, /gasoline extension/],
    ["another version", { protocol: "gasoline.v2" }, 4426, /speaks gasoline\.v1, not gasoline\.v2/],
  ])("%s is told why by the close frame", async (_name, how, code, said) => {
    const extension = dial({ token: token(), ...how });
    const closed = await extension.closed();
    expect(closed.code).toBe(code);
    expect(closed.reason).toMatch(said);
    // Whoever asks next is told as well.
    expect((await ask(CLICK)).body).toMatchObject({
      error: { code: "not_paired", message: expect.stringContaining(closed.reason) },
    });
  });

  test("a key, where there is one, must be right too", async () => {
    const keyed = await startApi(openStore(), { apiKey: "s3cret ü" });
    const dialled = { token: pairingToken(keyed.stateDir) };
    for (const key of [undefined, "other"]) {
      const extension = new StandInExtension(keyed.url, {
        ...dialled,
        ...(key === undefined ? {} : { key }),
      });
      expect((await extension.closed()).code).toBe(4403);
    }
    const extension = await StandInExtension.connect(keyed.url, { ...dialled, key: "s3cret ü" });
    await extension.close();
    await keyed.close();
  });

  test("the token is made once, for the owner's eyes", () => {
    const first = token();
    expect(first).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(token()).toBe(first);
    const path = join(api.stateDir, "pairing.json");
    expect(existsSync(path)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe("frames", () => {
  test.each<[name: string, frame: string | Buffer, code: number]>([
    ["that are no JSON", "{", 4400],
    ["of binary", Buffer.from([1, 2]), 4400],
    ["of a type that is none", JSON.stringify({ v: 1, id: "1", type: "shout" }), 4400],
    ["with fields of other types", JSON.stringify({ v: 1, id: "1", type: "state", ...STATE, tabs: 3 }), 4400],
    ["of another version", JSON.stringify({ v: 2, id: "1", type: "ping" }), 4426],
    ["too large", "x".repeat(33 * 1024 * 1024), 1009],
  ])("%s end the connection", async (_name, frame, code) => {
    const extension = await pair();
    const closed = extension.closed();
    extension.socket.send(frame);
    expect((await closed).code).toBe(code);
  });

  test("the first is a hello", async () => {
    const extension = dial({ token: token() });
    extension.socket.once("open", () => extension.send({ v: 1, id: "1", type: "ping" }));
    expect(await extension.closed()).toMatchObject({ code: 4400, reason: expect.stringContaining("hello") });
  });

  test("a ping is answered", async () => {
    const extension = await pair();
    extension.send({ v: 1, id: "p1", type: "ping" });
    expect(await extension.next(({ type }) => type === "pong")).toEqual({ v: 1, id: "p1", type: "pong" });
  });
});

test("a newer extension takes the place of the older, which is told", async () => {
  const first = await pair();
  const replaced = first.closed();
  await pair({ answer: () => PAGE });
  expect(await replaced).toMatchObject({ code: 4409, reason: expect.stringContaining("Another extension") });
  expect((await ask({ action: "page" })).status).toBe(200);
});

describe("a reconnect", () => {
  test("finds the command in progress, and its result comes over the new connection", async () => {
    const first = await pair();
    const answer = ask({ action: "page" });
    const { id } = await first.next(({ type }) => type === "command");
    await first.close();
    const second = await pair({ inProgress: [id] });
    second.result(id, PAGE);
    expect((await answer).body).toMatchObject({ verdict: "ok", page: { title: "Shop" } });
  });

  test("takes a result that was ready before it, once", async () => {
    const first = await pair();
    const answer = ask({ action: "page" });
    const { id } = await first.next(({ type }) => type === "command");
    await first.close();
    const second = await pair();
    second.result(id, PAGE);
    second.result(id, PAGE);
    expect((await answer).status).toBe(200);
  });

  test("fails a command that is neither in progress nor done, and cancels one that nobody waits for", async () => {
    const first = await pair();
    const answer = ask({ action: "page" });
    await first.next(({ type }) => type === "command");
    await first.close();
    const second = await pair({ inProgress: ["stale-1"] });
    expect(await second.next(({ type }) => type === "cancel")).toMatchObject({ id: "stale-1" });
    expect((await answer).body).toMatchObject({
      error: { code: "browser_failed", message: expect.stringMatching(/lost in a reconnect.*carried out/) },
    });
  });
});

test.each(["No captured tab is open.", "No captured tab is open. Open one."])(
  "the extension's own error is passed on with its remedy: %s",
  async (message) => {
    await pair({ answer: () => ({ error: { code: "no_tab", message, remedy: "Open one." } }) });
    expect(await ask({ action: "screenshot" })).toMatchObject({
      status: 502,
      body: { error: { code: "browser_failed", message: "No captured tab is open. Open one." } },
    });
  },
);

test("a result of another command is an error, not a value", async () => {
  await pair({ answer: () => ({ name: "step", effect: EFFECT }) });
  expect((await ask({ action: "page" })).body).toMatchObject({
    error: { message: expect.stringContaining("answered page with a result of step") },
  });
});
