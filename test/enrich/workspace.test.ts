import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspace, type Workspace } from "../../src/enrich/workspace.ts";

let base: string;
let root: string;
let workspace: Workspace;

beforeAll(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "gasoline-workspace-")));
  root = join(base, "shop");
  const write = (path: string): void => {
    mkdirSync(join(base, path, ".."), { recursive: true });
    writeFileSync(join(base, path), path);
  };
  for (const path of [
    "secret.txt",
    "shop/src/pay.js",
    "shop/src/main.js",
    "shop/packages/a/index.ts",
    "shop/packages/b/index.ts",
    "shop/src/app/(shop)/page.tsx",
    "shop/src/-rf.js",
    "shop/.env",
    "shop/.env.example",
    "shop/.git/config",
    "shop/certs/server.pem",
    "shop/node_modules/x/pay.js",
    "shop/com/acme/Orders.java",
  ])
    write(path);
  symlinkSync(join(base, "secret.txt"), join(root, "src/escape.js"));
  symlinkSync(join(root, "src/pay.js"), join(root, "src/alias.js"));
  symlinkSync(base, join(root, "up"));
  workspace = await openWorkspace(
    root,
    async () => undefined,
    () => 0,
  );
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

test.each([
  ["src/pay.js", "src/pay.js", "exact"],
  ["./src/pay.js", "src/pay.js", "exact"],
  ["src/../src/pay.js", "src/pay.js", "exact"],
  ["/app/src/pay.js", "src/pay.js", "suffix"],
  ["/usr/src/app/src/pay.js", "src/pay.js", "suffix"],
  ["C:\\work\\shop\\src\\pay.js", "src/pay.js", "suffix"],
  ["webpack:///./src/pay.js?a1b2", "src/pay.js", "exact"],
  ["webpack://shop/./src/pay.js", "src/pay.js", "exact"],
  ["webpack-internal:///(rsc)/./src/pay.js", "src/pay.js", "exact"],
  ["turbopack:///[project]/src/pay.js", "src/pay.js", "exact"],
  ["http://localhost:5173/src/pay.js?t=17", "src/pay.js", "exact"],
  ["http://localhost:3000/src/app/%28shop%29/page.tsx", "src/app/(shop)/page.tsx", "exact"],
  ["file:///app/src/pay.js", "src/pay.js", "suffix"],
  ["../../src/pay.js", "src/pay.js", "suffix"],
  ["/other/lib/main.js", "src/main.js", "name"],
  ["com/acme/Orders.java", "com/acme/Orders.java", "exact"],
  ["src/-rf.js", "src/-rf.js", "exact"],
  ["src/alias.js", "src/pay.js", "exact"],
  [".env.example", ".env.example", "exact"],
])("%s is %s (%s)", async (path, expected, fit) => {
  expect(await workspace.locate(path)).toMatchObject({ found: "yes", path: expected, fit });
});

test("an absolute path, and a file URL, in the workspace is itself", async () => {
  const file = join(root, "src/pay.js");
  for (const path of [file, pathToFileURL(file).href]) {
    expect(await workspace.locate(path)).toEqual({ found: "yes", path: "src/pay.js", file, fit: "exact" });
  }
});

test("files that fit equally well are all named", async () => {
  expect(await workspace.locate("/app/index.ts")).toEqual({
    found: "ambiguous",
    candidates: ["packages/a/index.ts", "packages/b/index.ts"],
  });
  expect(await workspace.locate("/app/b/index.ts")).toMatchObject({
    found: "yes",
    path: "packages/b/index.ts",
  });
});

test.each([
  ["/etc/passwd"],
  ["../secret.txt"],
  ["src/escape.js"],
  ["up/secret.txt"],
  [".env"],
  [".git/config"],
  ["certs/server.pem"],
  ["<anonymous>"],
  [""],
  ["src"],
  ["src/pay.js\0.png"],
  ["file://%zz"],
])("telemetry cannot name %j", async (path) => {
  expect((await workspace.locate(path)).found).toBe("no");
});

test.each([
  ["/etc/passwd", /leaves the workspace/],
  ["../secret.txt", /leaves the workspace/],
  ["src/../../secret.txt", /leaves the workspace/],
  ["src/escape.js", /leaves the workspace/],
  ["up/secret.txt", /leaves the workspace/],
  [".env", /may hold secrets/],
  [".git/config", /may hold secrets/],
])("who asks for %s is refused", async (path, message) => {
  await expect(workspace.locateAsked(path)).rejects.toMatchObject({ code: "bad_parameter", message });
});

test("who asks for a file that is not there is told so, not refused", async () => {
  expect(await workspace.locateAsked("src/absent.js")).toEqual({ found: "no" });
});
