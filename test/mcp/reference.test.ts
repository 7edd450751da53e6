import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PARAMETER_EXAMPLES } from "../../scripts/tool-examples.ts";
import { exampleOf, modesOf, parametersOf, REFERENCE, referenceText } from "../../scripts/tool-reference.ts";
import { TOOLS } from "../../src/mcp/server.ts";
import { startApi, type TestApi } from "../http/fixture.ts";
import { fillShop, openStore } from "../query/fixture.ts";
import { type Agent, connectAgent } from "./agent.ts";

/** Section 6 of the design: what each tool must be able to do. */
const DESIGNED: Readonly<Record<string, string>> = {
  observe:
    "logs network_waterfall network_bodies websocket_events actions timeline correlation correlations causality impact_analysis page code traces trace errors vitals screenshots tests git metrics services",
  analyze:
    "infer detect_loop regression correlate causality_chain causality impact_analysis contract_validation edge_case_check critical_path compare",
  generate: "test reproduction pr_summary implementation_plan har sarif",
  configure:
    "save_checkpoint set_baseline list_checkpoints delete_checkpoint clear noise_rule redaction_rule register_edge_case learn_contracts streaming describe_capabilities doctor",
  interact: "explore record replay screenshot page apply_changes",
};

describe("docs/tools.md", () => {
  const text = referenceText();

  it("is up to date: run `node scripts/tool-reference.ts`", () => {
    expect(readFileSync(REFERENCE, "utf8")).toBe(text);
  });

  it.each(Object.entries(DESIGNED))("%s has a row for every designed mode", (name, designed) => {
    const section = text.split(`\n## ${name}\n`)[1]!.split("\n## ")[0]!;
    for (const mode of designed.split(" "))
      expect(section).toMatch(new RegExp(`^\\| \`${mode}\` \\| \\S`, "m"));
  });

  it.each(TOOLS)("$name: every mode says what it gives, every parameter has an example", (tool) => {
    for (const [name, property] of parametersOf(tool)) {
      const own = PARAMETER_EXAMPLES[tool.name]?.[name] ?? PARAMETER_EXAMPLES.every![name];
      expect(own, `${tool.name} ${name}`).toBeDefined();
      expect(property.description ?? property.enum ?? property.type, name).toBeDefined();
    }
    const rows = text.split(`\n## ${tool.name}\n`)[1]!.split("\n## ")[0]!.split("\n");
    expect(rows.filter((row) => /^\| `\w+` \| {2}\|/.test(row))).toEqual([]);
  });
});

describe("the examples", () => {
  let api: TestApi;
  let agent: Agent;
  beforeAll(async () => {
    const store = openStore();
    fillShop(store);
    api = await startApi(store);
    agent = await connectAgent(api.url);
  });
  afterAll(async () => {
    await agent.close();
    await api.close();
  });

  const calls = TOOLS.flatMap((tool) => {
    const { key, modes } = modesOf(tool);
    return modes.map((mode): [string, string, object] => [tool.name, mode, exampleOf(tool, key, mode)]);
  });
  it.each(calls)("%s %s is understood", async (tool, _mode, input) => {
    const { structuredContent } = await agent.call(tool, input);
    // Ids, names and browsers of the examples need not exist; parameters must.
    const { error } = structuredContent as { readonly error?: { readonly code: string } };
    expect(["not_found", "not_paired", "not_allowed", undefined], JSON.stringify(error)).toContain(
      error?.code,
    );
  });
});
