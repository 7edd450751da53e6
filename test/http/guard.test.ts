import { describe, expect, test } from "vitest";
import { accessGuard, ingestGuard } from "../../src/http/guard.ts";

const NONE = { origin: undefined, authorization: undefined, apiKey: undefined };
const OPEN = { apiKey: "", allowHosts: [], host: "127.0.0.1" };
const KEY = "correct horse battery staple";

describe("Host", () => {
  test.each<[host: string | undefined, code: string | undefined]>([
    ["localhost", undefined],
    ["localhost:7890", undefined],
    ["LOCALHOST:7890", undefined],
    ["localhost.:7890", undefined],
    ["127.0.0.1:7890", undefined],
    ["127.0.0.1:9", undefined],
    ["[::1]:7890", undefined],
    ["[::1]", undefined],
    [undefined, "forbidden_host"],
    ["", "forbidden_host"],
    ["evil.example", "forbidden_host"],
    ["evil.example:7890", "forbidden_host"],
    ["localhost.evil.example", "forbidden_host"],
    ["localhost:7890.evil.example", "forbidden_host"],
    ["evil.example:localhost", "forbidden_host"],
    ["localhost@evil.example", "forbidden_host"],
    ["127.0.0.1.nip.io", "forbidden_host"],
    ["0.0.0.0:7890", "forbidden_host"],
    ["[::]:7890", "forbidden_host"],
    ["192.168.1.5:7890", "forbidden_host"],
    ["2130706433", "forbidden_host"],
  ])("%j → %j", (host, code) => {
    expect(accessGuard(OPEN)({ ...NONE, host })?.code).toBe(code);
  });

  test("names that were allowed, and the address that is bound", () => {
    const guard = accessGuard({ apiKey: KEY, allowHosts: ["Gasoline.lan"], host: "192.168.1.5" });
    const request = { ...NONE, apiKey: KEY };
    expect(guard({ ...request, host: "gasoline.lan:7890" })).toBeUndefined();
    expect(guard({ ...request, host: "192.168.1.5:7890" })).toBeUndefined();
    expect(guard({ ...request, host: "other.lan" })?.message).toMatch(/"other\.lan".*--allow-host/);
  });

  test("an address that stands for all is no name", () => {
    for (const host of ["0.0.0.0", "::"]) {
      const guard = accessGuard({ apiKey: "", allowHosts: [], host });
      expect(guard({ ...NONE, host: "0.0.0.0:7890" })?.code).toBe("forbidden_host");
    }
  });
});

describe("Origin", () => {
  test.each<[origin: string | undefined, access: boolean, ingest: boolean]>([
    [undefined, true, true],
    ["http://localhost:3000", true, true],
    ["https://localhost", true, true],
    ["http://127.0.0.1:5173", true, true],
    ["http://[::1]:3000", true, true],
    ["http://shop.localhost:3000", true, true],
    ["chrome-extension://abcdefghijklmnopabcdefghijklmnop", false, true],
    ["moz-extension://123e4567-e89b-12d3-a456-426614174000", false, true],
    ["null", false, false],
    ["", false, false],
    ["https://evil.example", false, false],
    ["http://localhost.evil.example", false, false],
    ["http://localhost:3000.evil.example", false, false],
    ["http://127.0.0.1.nip.io", false, false],
    ["http://evil.example#localhost", false, false],
    ["http://localhost@evil.example", false, false],
    ["file://localhost", false, false],
    ["http://192.168.1.5:3000", false, false],
  ])("%j: access %j, ingest %j", (origin, access, ingest) => {
    expect(accessGuard(OPEN)({ ...NONE, host: "localhost:7890", origin }) === undefined).toBe(access);
    expect(ingestGuard(OPEN)({ ...NONE, origin }) === undefined).toBe(ingest);
  });

  test("a page served under an allowed name is our own", () => {
    const guard = accessGuard({ ...OPEN, allowHosts: ["gasoline.lan"] });
    expect(guard({ ...NONE, host: "gasoline.lan:7890", origin: "http://gasoline.lan:7890" })).toBeUndefined();
    expect(guard({ ...NONE, host: "gasoline.lan:7890", origin: "http://other.lan:7890" })?.code).toBe(
      "forbidden_origin",
    );
  });

  test("a rebinding page is refused by both its Host and its Origin", () => {
    const guard = accessGuard(OPEN);
    const origin = "http://evil.example:7890";
    expect(guard({ ...NONE, host: "evil.example:7890", origin })?.code).toBe("forbidden_host");
    expect(guard({ ...NONE, host: "localhost:7890", origin })?.code).toBe("forbidden_origin");
  });
});

describe("key", () => {
  test.each<[sent: object, ok: boolean]>([
    [{ apiKey: KEY }, true],
    [{ authorization: `Bearer ${KEY}` }, true],
    [{ authorization: `bearer  ${KEY}` }, true],
    [{}, false],
    [{ apiKey: "" }, false],
    [{ apiKey: KEY.slice(0, -1) }, false],
    [{ apiKey: `${KEY} ` }, false],
    [{ authorization: KEY }, false],
    [{ authorization: `Basic ${KEY}` }, false],
    [{ authorization: "Bearer " }, false],
    [{ apiKey: "wrong", authorization: `Bearer ${KEY}` }, false],
  ])("%j → %j", (sent, ok) => {
    const config = { ...OPEN, apiKey: KEY };
    for (const refusal of [
      accessGuard(config)({ ...NONE, host: "localhost", ...sent }),
      ingestGuard(config)({ ...NONE, ...sent }),
    ]) {
      expect(refusal?.code).toBe(ok ? undefined : "unauthenticated");
      if (!ok) expect(refusal!.message).not.toContain(KEY);
    }
  });

  test("none is asked for when none is set", () => {
    expect(ingestGuard(OPEN)(NONE)).toBeUndefined();
    expect(ingestGuard(OPEN)({ ...NONE, apiKey: "any" })).toBeUndefined();
  });
});
