import { z } from "zod";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "../query/did-you-mean.ts";
import { clean } from "../query/render/clean.ts";
import { analyzeTool } from "./analyze.ts";
import { configureTool } from "./configure.ts";
import { generateTool } from "./generate.ts";
import { interactTool } from "./interact.ts";
import { observeTool } from "./observe.ts";
import type { ToolListing, ToolResult } from "./sdk.ts";
import type { Tool, ToolContext } from "./tool.ts";

/** The tools there are. One whose answers do not exist yet is not listed. */
export const TOOLS: readonly Tool[] = [observeTool, analyzeTool, generateTool, configureTool, interactTool];

/** The tools as `tools/list` shows them. */
export function listTools(): ToolListing[] {
  return TOOLS.map(({ name, title, description, schema, hints }) => ({
    name,
    title,
    description,
    inputSchema: jsonSchemaOf(schema),
    annotations: { ...hints, openWorldHint: false },
  }));
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

/**
 * A tool's parameters as clients see them. The list is in every conversation, so it is kept short: a description says
 * what a value is made of, and bounds that only guard against abuse are checked all the same.
 */
function jsonSchemaOf(schema: z.ZodObject): ToolListing["inputSchema"] {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: "input" });
  return { ...json, type: "object", properties: briefAll(json.properties) } as ToolListing["inputSchema"];
}

function briefAll(properties: JsonSchema["properties"] = {}): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, briefOf(property as JsonSchema)]),
  );
}

function briefOf(property: JsonSchema): JsonSchema {
  const { description, minimum, maximum, items } = property;
  if (description === undefined && property.properties !== undefined) {
    return { type: "object", properties: briefAll(property.properties) };
  }
  const types = typesOf(property);
  return {
    ...(description === undefined ? {} : { description }),
    // Several clients refuse a list that does not say of what: where a list is one of several forms, none is said.
    ...(types.length === 1
      ? { type: types[0]! }
      : types.includes("array")
        ? {}
        : { type: types as ["string"] }),
    ...(items === undefined ? {} : { items: { type: typesOf(items as JsonSchema)[0]! } }),
    ...(property.enum === undefined ? {} : { enum: property.enum }),
    ...(types[0] !== "integer" || minimum === undefined || (description ?? "").includes(`${minimum}`)
      ? {}
      : { minimum }),
    ...(types[0] !== "integer" || maximum === undefined || maximum > LISTED_MAX ? {} : { maximum }),
  };
}

/** Larger bounds are no use to a caller. */
const LISTED_MAX = 100_000;

type JsonType = NonNullable<JsonSchema["type"]>;

function typesOf({ type, anyOf = [] }: JsonSchema): JsonType[] {
  if (type !== undefined) return [type].flat();
  return [...new Set(anyOf.flatMap((form) => typesOf(form as JsonSchema)))];
}

/**
 * Calls a tool. What the caller did wrong comes back as a result with `isError`, so that the model reads the
 * remedy; only a tool that does not exist throws GasolineError `bad_parameter`, which is the protocol's to say.
 */
export async function callTool(name: string, input: unknown, context: ToolContext): Promise<ToolResult> {
  const tool = TOOLS.find((each) => each.name === name);
  if (tool === undefined) throw unknownTool(name);
  const { clock, calls, client } = context;
  const startedMs = clock.nowMs();
  const reply = await answerOf(tool, input, context);
  const { metadata: _ofItself, ...result } = reply.structuredContent;
  calls.record({
    tool: name,
    input,
    client,
    startedMs,
    durationMs: clock.nowMs() - startedMs,
    bytes: Buffer.byteLength(JSON.stringify(reply)),
    result,
    ...(reply.isError === true ? { error: reply.content[0].text } : {}),
  });
  return reply;
}

/** A reply in both forms, as the protocol has it. */
interface ToolAnswer extends ToolResult {
  content: [{ type: "text"; text: string }, ...{ type: "image"; mimeType: string; data: string }[]];
  structuredContent: Record<string, unknown>;
}

async function answerOf(tool: Tool, input: unknown, context: ToolContext): Promise<ToolAnswer> {
  try {
    const { text, structured, image } = await tool.run(input, context);
    const answer = answerWith(text, structured);
    if (image !== undefined) answer.content.push({ type: "image", mimeType: image.mime, data: image.data });
    return answer;
  } catch (error) {
    return errorResult(error);
  }
}

/** A reply of a tool as the protocol has it. */
export function answerWith(text: string, structured: object): ToolAnswer {
  return { content: [{ type: "text", text }], structuredContent: { ...structured } };
}

const ERROR_CHARS_MAX = 2_000;

/** An error as a tool result; an unforeseen one too, since the agent can do nothing with a broken connection. */
export function errorResult(error: unknown): ToolAnswer {
  const known =
    error instanceof GasolineError
      ? error
      : new GasolineError(
          "internal",
          `This failed inside gasoline: ${error instanceof Error ? error.message : String(error)}.`,
          "",
        );
  const message = clean(known.message, ERROR_CHARS_MAX);
  const remedy = clean(known.remedy, ERROR_CHARS_MAX);
  return { isError: true, ...answerWith(message, { error: { code: known.code, message, remedy } }) };
}

function unknownTool(name: string): GasolineError {
  const names = TOOLS.map((tool) => tool.name);
  const near = nearest(name, names, 1)[0];
  return new GasolineError(
    "bad_parameter",
    `There is no tool ${JSON.stringify(name.slice(0, 60))}.`,
    near === undefined ? `Tools: ${names.join(", ")}.` : `Did you mean ${near}?`,
  );
}
