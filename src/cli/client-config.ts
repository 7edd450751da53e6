/*
 * Enters one server into the configuration of an agent without touching anything else: comments, order, indentation
 * and what is not understood stay as they are. An entry that is there already is left alone, whatever it holds.
 */

const NAME = "gasoline";

/**
 * `text` (JSON, also with comments and trailing commas; empty is a new file) with the server under `key`. Throws
 * SyntaxError when it is no JSON object, or when `key` holds something else.
 */
export function withJsonServer(text: string, key: string, server: object): string {
  if (text.trim() === "") return `${JSON.stringify({ [key]: { [NAME]: server } }, null, 2)}\n`;
  const parsed: unknown = JSON.parse(withoutComments(text));
  if (!isObject(parsed)) throw new SyntaxError("it holds no JSON object");
  const servers = parsed[key];
  if (servers !== undefined && !isObject(servers)) throw new SyntaxError(`${key} is no JSON object`);
  if (servers !== undefined && Object.hasOwn(servers, NAME)) return text;
  const bare = withoutComments(text);
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const [at, depth, entries, name, value] =
    servers === undefined
      ? ([bare.indexOf("{"), 1, Object.keys(parsed).length, key, { [NAME]: server }] as const)
      : ([objectOf(bare, key), 2, Object.keys(servers).length, NAME, server] as const);
  const entry = `${JSON.stringify(name)}: ${JSON.stringify(value, null, indent)}`.replaceAll(
    "\n",
    `\n${indent.repeat(depth)}`,
  );
  const comma = entries > 0 ? "," : "";
  const close = entries > 0 ? "" : `\n${indent.repeat(depth - 1)}`;
  const rest = text.slice(at + 1);
  const added = `${text.slice(0, at + 1)}\n${indent.repeat(depth)}${entry}${comma}${entries > 0 ? rest : close + rest.trimStart()}`;
  // What is about to be written must read as what was there, and the entry.
  const check = JSON.parse(withoutComments(added)) as Record<string, Record<string, unknown>>;
  if (!isObject(check[key]) || !Object.hasOwn(check[key], NAME))
    throw new SyntaxError("it could not be changed safely");
  return added;
}

/** `text` (TOML) with the table `mcp_servers.gasoline` at its end; as it is when that table is there. */
export function withTomlServer(
  text: string,
  { command, args }: { readonly command: string; readonly args: readonly string[] },
): string {
  if (/^\s*\[\s*mcp_servers\s*\.\s*["']?gasoline["']?\s*\]/m.test(text)) return text;
  if (/^\s*mcp_servers\s*=/m.test(text)) throw new SyntaxError("mcp_servers is written as an inline table");
  const table = `[mcp_servers.${NAME}]\ncommand = ${JSON.stringify(command)}\nargs = ${JSON.stringify(args)}\n`;
  return text.trim() === "" ? table : `${text.trimEnd()}\n\n${table}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The same text, each character where it was, with comments and trailing commas as blanks. */
function withoutComments(text: string): string {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (token) =>
    token.startsWith('"') ? token : token.replace(/[^\n]/g, " "),
  );
  return bare.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])|\ufeff/g, (token) =>
    token.startsWith('"') ? token : " ",
  );
}

/** Where the object under a key of the outermost object begins. `bare` holds no comments and parses. */
function objectOf(bare: string, key: string): number {
  let depth = 0;
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  for (let token = tokens.exec(bare); token !== null; token = tokens.exec(bare)) {
    const [text] = token;
    if (text === "{" || text === "[") depth++;
    else if (text === "}" || text === "]") depth--;
    else if (depth === 1 && JSON.parse(text) === key) {
      const colon = /^\s*:\s*\{/.exec(bare.slice(tokens.lastIndex));
      if (colon !== null) return tokens.lastIndex + colon[0].length - 1;
    }
  }
  throw new SyntaxError(`${key} was not found`);
}
