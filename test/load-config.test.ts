import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULTS, scaleLimits } from "../src/config.ts";
import { loadConfig } from "../src/load-config.ts";

let stateDir: string;
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), "gasoline-config-"));
});
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

const writeFile = (content: unknown): void =>
  writeFileSync(
    join(stateDir, "config.json"),
    typeof content === "string" ? content : JSON.stringify(content),
  );

describe("loadConfig", () => {
  it("takes flags over environment over file over defaults", () => {
    const env = { GASOLINE_STATE_DIR: stateDir };
    expect(loadConfig({}, env).port).toBe(DEFAULTS.port);
    writeFile({ port: 1000 });
    expect(loadConfig({}, env).port).toBe(1000);
    expect(loadConfig({}, { ...env, GASOLINE_PORT: "2000" }).port).toBe(2000);
    expect(loadConfig({ port: "3000" }, { ...env, GASOLINE_PORT: "2000" }).port).toBe(3000);
  });

  it("takes the aliases only on the usual port, and not when told not to", () => {
    expect(loadConfig({ stateDir }, {}).aliases).toEqual([4317, 4318]);
    expect(loadConfig({ stateDir, aliases: false }, {}).aliases).toEqual([]);
    expect(loadConfig({ stateDir, port: "0" }, {}).aliases).toEqual([]);
  });

  it("takes the workspace that is named, which must be a folder", () => {
    expect(loadConfig({ stateDir }, {}).workspace).toBe("");
    expect(loadConfig({ stateDir }, { GASOLINE_WORKSPACE: tmpdir() }).workspace).toBe(tmpdir());
    expect(loadConfig({ stateDir, workspace: stateDir }, { GASOLINE_WORKSPACE: tmpdir() }).workspace).toBe(
      stateDir,
    );
    writeFile({ workspace: stateDir });
    expect(loadConfig({ stateDir }, {}).workspace).toBe(stateDir);
    const absent = join(stateDir, "absent");
    expect(() => loadConfig({ stateDir, workspace: absent }, {})).toThrow(/is not a folder/);
  });

  it("scales every ring with --memory, so that reserves still add up to the arena", () => {
    const { store } = loadConfig({ stateDir, memory: "800M" }, {});
    const reserved = Object.values(store.streams).reduce(
      (sum, ring) => sum + ring.bytesReserved,
      store.pinned.bytesReserved,
    );
    expect(store.arenaBytes).toBe(800 * 1024 ** 2);
    expect(reserved).toBeLessThanOrEqual(store.arenaBytes);
    expect(reserved).toBeGreaterThan(store.arenaBytes * 0.999);
    expect(store.streams["backend.spans"].recordsMax).toBeGreaterThan(1_000_000);
  });

  it("reserves exactly the arena by default", () => {
    const { store } = DEFAULTS;
    const reserved = Object.values(store.streams).reduce(
      (sum, ring) => sum + ring.bytesReserved,
      store.pinned.bytesReserved,
    );
    expect(reserved).toBe(store.arenaBytes);
    expect(scaleLimits(store, store.arenaBytes)).toEqual(store);
  });

  it("needs a key to be reachable from outside", () => {
    expect(() => loadConfig({ stateDir, host: "0.0.0.0" }, {})).toThrow(/GASOLINE_API_KEY/);
    expect(loadConfig({ stateDir, host: "0.0.0.0" }, { GASOLINE_API_KEY: "k" }).host).toBe("0.0.0.0");
    for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      expect(loadConfig({ stateDir, host }, {}).host).toBe(host);
  });

  it.each([
    [{ port: "http" }, /Port "http" is not a number from 0 to 65535/],
    [{ port: "70000" }, /Port "70000"/],
    [{ port: "-1" }, /Port "-1"/],
    [{ memory: "lots" }, /--memory "lots" is not a size/],
    [{ memory: "1M" }, /16M to 16G/],
  ])("refuses %j", (flags, message) => {
    expect(() => loadConfig({ stateDir, ...flags }, {})).toThrow(message);
  });

  it.each([
    ["{", /cannot be used/],
    [[], /one JSON object/],
    [{ prot: 1 }, /"prot" is not one of/],
    [{ __proto__: null, toString: 1 }, /"toString" is not one of/],
    [{ aliases: "no" }, /"aliases" cannot be "no"/],
  ])("refuses a file that holds %j", (content, message) => {
    writeFile(content);
    expect(() => loadConfig({ stateDir }, {})).toThrow(message);
  });
});
