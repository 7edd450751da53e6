import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { FORMATS } from "../src/generate/parameters.ts";
import { OBSERVED } from "../src/mcp/observe.ts";
import { TOOLS } from "../src/mcp/server.ts";
import type { Tool } from "../src/mcp/tool.ts";
import { WINDOW_ANALYSES } from "../src/query/analyze-window.ts";
import { ACTIONS } from "../src/query/configure-parameters.ts";
import { INTERACTIONS } from "../src/query/interact-parameters.ts";
import { MODE_EXAMPLES, PARAMETER_EXAMPLES } from "./tool-examples.ts";

/*
 * Writes docs/tools.md from the tools' own tables and schemas: `node scripts/tool-reference.ts`.
 */

export const REFERENCE = fileURLToPath(new URL("../docs/tools.md", import.meta.url));

/** What each mode of a tool does, by the tool's name. */
const ABOUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  observe: OBSERVED,
  analyze: Object.fromEntries(Object.entries(WINDOW_ANALYSES).map(([type, { about }]) => [type, about])),
  generate: FORMATS,
  configure: ACTIONS,
  interact: INTERACTIONS,
};

type JsonSchema = z.core.JSONSchema.JSONSchema;

/** The parameter that says what of a tool is asked, and its values. */
export function modesOf({ schema }: Tool): { readonly key: string; readonly modes: readonly string[] } {
  const [key, mode] = Object.entries(propertiesOf(schema))[0]!;
  return { key, modes: (mode.enum ?? []).map(String) };
}

/** Every parameter but the mode, filters by their place: `filter.level`. */
export function parametersOf({ schema }: Tool): ReadonlyMap<string, JsonSchema> {
  const [, ...rest] = Object.entries(propertiesOf(schema));
  return new Map(
    rest.flatMap(([name, property]): [string, JsonSchema][] =>
      name === "filter" && property.properties !== undefined
        ? Object.entries(property.properties).map(([filter, each]) => [
            `filter.${filter}`,
            each as JsonSchema,
          ])
        : [[name, property]],
    ),
  );
}

function propertiesOf(schema: z.ZodObject): Record<string, JsonSchema> {
  return z.toJSONSchema(schema, { io: "input" }).properties as Record<string, JsonSchema>;
}

/** A call of a mode, as an agent writes it. */
export function exampleOf({ name }: Tool, key: string, mode: string): object {
  return { [key]: mode, ...MODE_EXAMPLES[name]?.[mode] };
}

/** The whole document. */
export function referenceText(): string {
  const intro = [
    "# Tools",
    "",
    "Written by `node scripts/tool-reference.ts` from the tools' own tables; a test fails when it is stale.",
    "",
    "Agents call these over MCP (`gasoline mcp` on stdio, or `POST /mcp`). The same functions answer `/api/<tool>` and `gasoline <tool>`. Replies hold the same rows twice, as text and as structured content, within `budget_bytes` (8,000 by default over MCP, 10,000 at most).",
  ];
  return `${[...intro, ...TOOLS.flatMap(toolSection)].join("\n")}\n`;
}

function toolSection(tool: Tool): string[] {
  const { key, modes } = modesOf(tool);
  const { readOnlyHint, destructiveHint = false } = tool.hints;
  const changes = readOnlyHint ? "Reads only." : destructiveHint ? "Changes and deletes." : "Changes.";
  return [
    "",
    `## ${tool.name}`,
    "",
    `${tool.title}. ${changes}`,
    "",
    ...table(
      [key, "what it gives", "example"],
      modes.map((mode) => [
        code(mode),
        ABOUT[tool.name]?.[mode] ?? (mode === "causality" ? "the same as causality_chain" : ""),
        code(JSON.stringify(exampleOf(tool, key, mode))),
      ]),
    ),
    "",
    ...table(
      ["parameter", "type", "meaning", "example"],
      [...parametersOf(tool)].map(([name, property]) => [
        code(name),
        typeOf(property),
        property.description ?? "",
        exampleValue(tool.name, name),
      ]),
    ),
  ];
}

function exampleValue(tool: string, parameter: string): string {
  const value = PARAMETER_EXAMPLES[tool]?.[parameter] ?? PARAMETER_EXAMPLES.every![parameter];
  return value === undefined ? "" : code(JSON.stringify(value));
}

function typeOf(property: JsonSchema): string {
  if (property.enum !== undefined) return property.enum.map(String).join(", ");
  const forms = property.anyOf === undefined ? [property] : (property.anyOf as JsonSchema[]);
  const types = [...new Set(forms.flatMap(({ type }) => type ?? []))].join(" or ");
  const { minimum, maximum } = property;
  const bounds = [
    minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? "" : ` from ${minimum}`,
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? "" : ` to ${maximum}`,
  ];
  return types + bounds.join("");
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(REFERENCE, referenceText());
