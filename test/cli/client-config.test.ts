import { describe, expect, test } from "vitest";
import { withJsonServer, withTomlServer } from "../../src/cli/client-config.ts";

const SERVER = { command: "npx", args: ["gasoline"] };
const ENTRY = { gasoline: SERVER };

describe("JSON", () => {
  test.each([
    ["nothing", "", {}],
    ["an empty object", "{}\n", {}],
    ["an empty list of servers", '{\n  "mcpServers": {}\n}\n', {}],
    [
      "another server",
      '{\n  "mcpServers": {\n    "other": { "command": "x" }\n  }\n}\n',
      { other: { command: "x" } },
    ],
    ["tabs", '{\n\t"mcpServers": {\n\t\t"other": {}\n\t}\n}\n', { other: {} }],
  ])("%s", (_name, before, others) => {
    const after = withJsonServer(before, "mcpServers", SERVER);
    expect(JSON.parse(after)).toEqual({ mcpServers: { ...ENTRY, ...others } });
    expect(withJsonServer(after, "mcpServers", SERVER)).toBe(after);
  });

  test("comments, trailing commas and misleading strings stay where they are", () => {
    const before = `{
  // "mcpServers": {}
  "note": "mcpServers: { /* not a comment */ }",
  /* the servers */
  "mcpServers": {
    "other": { "command": "x", }, // last
  },
}
`;
    const after = withJsonServer(before, "mcpServers", SERVER);
    for (const line of before.split("\n")) expect(after).toContain(line);
    expect(after).toContain('    "gasoline": {\n      "command": "npx"');
    expect(withJsonServer(after, "mcpServers", SERVER)).toBe(after);
  });

  test("an entry of the user's own is left alone", () => {
    const own = '{"mcpServers":{"gasoline":{"command":"mine"}}}';
    expect(withJsonServer(own, "mcpServers", SERVER)).toBe(own);
  });

  test.each(["[]", "{", '{"mcpServers": []}', "nonsense"])("%s is refused", (text) => {
    expect(() => withJsonServer(text, "mcpServers", SERVER)).toThrow(SyntaxError);
  });
});

describe("TOML", () => {
  test("the table is added at the end, once", () => {
    const before = '# mine\nmodel = "x"\n\n[mcp_servers.other]\ncommand = "y"';
    const after = withTomlServer(before, SERVER);
    expect(after).toBe(`${before}\n\n[mcp_servers.gasoline]\ncommand = "npx"\nargs = ["gasoline"]\n`);
    expect(withTomlServer(after, SERVER)).toBe(after);
    expect(withTomlServer("", SERVER)).toMatch(/^\[mcp_servers\.gasoline\]/);
  });

  test("an inline table is refused", () => {
    expect(() => withTomlServer("mcp_servers = {}", SERVER)).toThrow(SyntaxError);
  });
});
