import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "gasoline-connect-"));
const launcher = fileURLToPath(new URL("../../bin/gasoline.js", import.meta.url));

afterAll(() => rmSync(folder, { recursive: true }));

test("what a checkout enters into a client's configuration starts from any other folder", () => {
  execFileSync(process.execPath, [launcher, "connect", "claude", "--yes"], { cwd: folder });
  const { mcpServers } = JSON.parse(readFileSync(join(folder, ".mcp.json"), "utf8")) as {
    mcpServers: { gasoline: { command: string; args: string[] } };
  };
  const { command, args } = mcpServers.gasoline;
  expect(args.at(-1)).toBe("mcp");
  const version = execFileSync(command, [...args.slice(0, -1), "--version"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(version).toMatch(/\d+\.\d+\.\d+/);
});
