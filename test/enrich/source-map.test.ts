import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { fetchLoopback } from "../../src/enrich/read-text.ts";
import { openSourceMaps } from "../../src/enrich/source-map.ts";
import { parseStack, topFrame } from "../../src/enrich/stack.ts";

const ESBUILD = fileURLToPath(new URL("../../node_modules/.bin/esbuild", import.meta.url));
const PAY = `export interface Order { readonly items: readonly string[] }

export function pay(order: Order): number {
  const { length } = order.items;
  return length;
}
`;
const MAIN = `import { pay, type Order } from "./pay.ts";

pay({} as Order);
`;

let root: string;
let servers: Server[];
let nowMs: number;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "gasoline-maps-")));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "src/pay.ts"), PAY);
  writeFileSync(join(root, "src/main.ts"), MAIN);
  servers = [];
  nowMs = 0;
});
afterEach(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

/** Bundles and minifies the program; returns the bundle's path. */
function build(...options: readonly string[]): string {
  const outfile = join(root, "dist/out.js");
  execFileSync(
    ESBUILD,
    ["src/main.ts", "--bundle", "--minify", "--log-level=error", `--outfile=${outfile}`, ...options],
    {
      cwd: root,
    },
  );
  return outfile;
}

/** Where the bundle fails when it is run. */
function failureIn(bundle: string): { readonly line: number; readonly column: number } {
  const { stderr } = spawnSync(process.execPath, [bundle], { encoding: "utf8" });
  return topFrame(parseStack(stderr))!;
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

const maps = (mayRead = true) =>
  openSourceMaps(
    async () => mayRead,
    () => nowMs,
  );
const original = { source: "", line: 4, column: 11, content: PAY };

describe("a bundle's failure is found in its source", () => {
  it.each([
    ["beside the file", ["--sourcemap"]],
    ["inline", ["--sourcemap=inline"]],
    ["beside the file, which does not say so", ["--sourcemap=external"]],
    ["under a source root", ["--sourcemap", "--source-root=../"]],
  ])("with a map %s", async (_name, options) => {
    const bundle = build(...options);
    const { line, column } = failureIn(bundle);
    const found = await maps().original(bundle, line, column);
    expect(found).toMatchObject({ line: 4, content: PAY });
    expect(found!.source).toMatch(/src\/pay\.ts$/);
    if (!options.includes("--source-root=../")) expect(found!.source).toBe(join(root, "src/pay.ts"));
  });

  it("with an index map", async () => {
    const bundle = build("--sourcemap");
    const map: unknown = JSON.parse(readFileSync(`${bundle}.map`, "utf8"));
    const shifted = `// a banner\n${readFileSync(bundle, "utf8")}`;
    writeFileSync(bundle, shifted);
    writeFileSync(
      `${bundle}.map`,
      JSON.stringify({ version: 3, sections: [{ offset: { line: 1, column: 0 }, map }] }),
    );
    const { line, column } = failureIn(bundle);
    expect(line).toBeGreaterThan(1);
    expect(await maps().original(bundle, line, column)).toMatchObject({
      source: join(root, "src/pay.ts"),
      line: 4,
      content: PAY,
    });
  });

  it("with a map from the dev server, which is asked again only after a while", async () => {
    const bundle = build("--sourcemap");
    const { line, column } = failureIn(bundle);
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url!);
      response.end(readFileSync(request.url!.endsWith(".map") ? `${bundle}.map` : bundle));
    });
    const kept = maps();
    const found = await kept.original(`${url}/dist/out.js`, line, column);
    expect(found).toEqual({
      ...original,
      column: found!.column,
      name: found!.name,
      source: `${url}/src/pay.ts`,
    });
    await kept.original(`${url}/dist/out.js`, line, column);
    expect(asked).toEqual(["/dist/out.js", "/dist/out.js.map"]);
    nowMs = 60_000;
    await kept.original(`${url}/dist/out.js`, line, column);
    expect(asked).toHaveLength(4);
  });
});

test("a rebuilt bundle is read anew", async () => {
  const bundle = build("--sourcemap");
  const kept = maps();
  expect(await kept.original(bundle, ...places(bundle))).toMatchObject({ line: 4 });
  writeFileSync(join(root, "src/pay.ts"), `// one more line\n${PAY}`);
  build("--sourcemap");
  nowMs = 60_000;
  expect(await kept.original(bundle, ...places(bundle))).toMatchObject({ line: 5 });
});

function places(bundle: string): [number, number] {
  const { line, column } = failureIn(bundle);
  return [line, column];
}

test("what may not be read, has no map, or lies beyond the map has no original", async () => {
  const bundle = build("--sourcemap");
  expect(await maps(false).original(bundle, 1, 1)).toBeUndefined();
  expect(await maps().original(bundle, 999, 1)).toBeUndefined();
  expect(await maps().original(bundle, 0, 0)).toBeUndefined();
  expect(await maps().original(join(root, "src/pay.ts"), 1, 1)).toBeUndefined();
});

test.each([
  ["{"],
  ["[]"],
  ["null"],
  ['{"version":3}'],
  ['{"version":3,"sources":[null],"mappings":"AAAA","names":[]}'],
  ['{"version":3,"sources":["a"],"sourceRoot":7,"mappings":"AAAA","names":[]}'],
  ['{"version":3,"sources":["a"],"mappings":"!!!!","names":[]}'],
  ['{"version":3,"sections":[{"offset":{"line":0,"column":0}}]}'],
  ['{"version":3,"sources":["a"],"mappings":"gggggggggggggggggggB","names":[]}'],
])("the map %s is as good as none, and nothing throws", async (map) => {
  const file = join(root, "x.js");
  writeFileSync(file, "x\n//# sourceMappingURL=x.js.map\n");
  writeFileSync(`${file}.map`, map);
  await expect(maps().original(file, 1, 1)).resolves.not.toThrow();
});

describe("only code of this machine is fetched", () => {
  it("is, from a loopback server", async () => {
    const url = await serve((_request, response) => response.end("code"));
    expect(await fetchLoopback(`${url}/src/a.ts?t=1`)).toBe("code");
  });

  it("is not, when it redirects, fails, ends early or names no code", async () => {
    const asked: string[] = [];
    const url = await serve((request, response) => {
      asked.push(request.url!);
      if (request.url === "/redirect.js") response.writeHead(302, { location: "/a.js" }).end();
      else if (request.url === "/broken.js") {
        response.writeHead(200, { "content-length": "100" });
        response.write("half");
        response.destroy();
      } else response.writeHead(404).end();
    });
    for (const path of ["redirect.js", "broken.js", "absent.js", "api/delete?id=1", "a.js%00", ""]) {
      expect(await fetchLoopback(`${url}/${path}`), path).toBeUndefined();
    }
    expect(asked).toEqual(["/redirect.js", "/broken.js", "/absent.js"]);
  });

  it.each([
    ["http://example.com/a.js"],
    ["http://127.0.0.1.example.com/a.js"],
    ["http://169.254.169.254/a.js"],
    ["http://user:password@localhost:1/a.js"],
    ["ftp://localhost/a.js"],
    ["file:///etc/passwd.js"],
    ["not a url"],
  ])("never from %s", async (url) => {
    expect(await fetchLoopback(url)).toBeUndefined();
  });
});
