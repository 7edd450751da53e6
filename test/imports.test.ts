import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));

/** What each room may import besides itself (ARCHITECTURE.md, "Imports point one way"). */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: ["model"],
  version: [],
  wire: ["model"],
  "otlp-receiver": ["model", "config", "wire"],
  store: ["model", "config", "wire"],
  correlate: ["model"],
  enrich: ["model", "config", "wire"],
  adapters: ["model", "config", "wire", "version"],
  query: ["model", "config", "version", "wire", "store", "correlate", "enrich", "adapters"],
  generate: ["model", "config", "version", "store", "correlate", "enrich", "query"],
  mcp: ["model", "config", "version", "store", "correlate", "query", "generate"],
  http: ["model", "config", "version", "store", "correlate", "query", "generate", "mcp"],
  "load-config": ["model", "config"],
  main: ["model", "config", "version", "store", "otlp-receiver", "query", "generate", "mcp", "http"],
  cli: [
    "demo",
    "model",
    "config",
    "load-config",
    "version",
    "adapters",
    "query",
    "correlate",
    "generate",
    "mcp",
    "http",
    "main",
  ],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The folder or file directly under `src` that a path belongs to, or the folder beside `src`. */
function roomOf(path: string): string {
  const [first, second] = relative(SOURCE, path).split("/");
  return (first === ".." ? second! : first!).replace(/\.ts$/, "");
}

function imports(): readonly Import[] {
  return readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .flatMap((name) => {
      const file = join(SOURCE, name);
      const targets = readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
      return [...targets].map(([, target]) => ({
        file: name,
        from: roomOf(file),
        to: roomOf(resolve(dirname(file), target!)),
      }));
    });
}

describe("imports", () => {
  it("are found at all", () => {
    expect(imports().length).toBeGreaterThan(50);
  });

  it("point one way", () => {
    const violations = imports()
      .filter(({ from, to }) => from !== to && !BELOW[from]?.includes(to))
      .map(({ file, to }) => `${file} imports ${to}`);
    expect(violations).toEqual([]);
  });

  it("keep the MCP SDK and fastify behind one file each", () => {
    const users = (pattern: RegExp): string[] =>
      readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && pattern.test(readFileSync(join(SOURCE, name), "utf8")))
        .sort();
    expect(users(/from "@modelcontextprotocol\//)).toEqual(["mcp/sdk.ts"]);
    expect(users(/(?:from|import\() ?"fastify"/)).toEqual(["http/api.ts"]);
  });
});
