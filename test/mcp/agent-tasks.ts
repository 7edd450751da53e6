import { type FaultName, faultOf } from "../../demo/shop/faults.ts";
import type { Agent, AgentReply } from "./agent.ts";

/** What a task may take in all. */
export const CALLS_MAX = 3;
export const BYTES_MAX = 12_000;

export interface ToolCall {
  readonly tool: string;
  readonly arguments: { readonly [name: string]: unknown };
}

/** What an agent asks that knows only that something went wrong a moment ago: the first thing the server teaches. */
export const FIRST_CALL: ToolCall = {
  tool: "observe",
  arguments: { what: "errors", filter: { since: "-5m" } },
};

/** One task as it was done. */
export interface TaskRow {
  readonly name: FaultName;
  readonly calls: readonly ToolCall[];
  /** Of all replies, text and structure. */
  readonly bytes: number;
  /** The conclusion of the last reply. */
  readonly concluded: Conclusion;
}

/** What a reply says is to blame: a place, or services that cannot be told apart. */
export type Conclusion =
  | { readonly kind: "cause"; readonly service: string; readonly operation: string }
  | { readonly kind: "abstained"; readonly services: readonly string[] }
  | { readonly kind: "none" };

/** Does the task: asks, and does what the reply says comes next, until one names a cause or says that none can be told. */
export async function doTask(agent: Agent, name: FaultName): Promise<TaskRow> {
  const calls: ToolCall[] = [];
  let bytes = 0;
  let next: ToolCall | undefined = FIRST_CALL;
  let concluded: Conclusion = { kind: "none" };
  while (next !== undefined && concluded.kind === "none" && calls.length < CALLS_MAX) {
    calls.push(next);
    const { content, structuredContent, isError } = await agent.call(next.tool, next.arguments);
    if (isError === true) throw new Error(`${JSON.stringify(next)}: ${content[0]?.text}`);
    bytes += Buffer.byteLength(JSON.stringify({ content, structuredContent }));
    concluded = conclusionOf(structuredContent);
    next = firstNext(content);
  }
  return { name, calls, bytes, concluded };
}

/** The first call that the text of a reply leads on to. */
function firstNext([first]: AgentReply["content"]): ToolCall | undefined {
  const [, tool, json] = /^Next: (\w+) (\{.*\})$/m.exec(first?.text ?? "") ?? [];
  return tool === undefined ? undefined : { tool, arguments: JSON.parse(json!) };
}

/** What a diagnosis says; a list of errors concludes nothing. */
function conclusionOf(reply: AgentReply["structuredContent"]): Conclusion {
  const { abstained, ranking, root_cause } = reply as {
    abstained?: boolean;
    ranking?: { service: string }[];
    root_cause?: { service: string; operation: string };
  };
  // Who abstains without a suspect has found nothing yet.
  if (abstained === true && ranking?.[0] !== undefined) {
    return { kind: "abstained", services: ranking.slice(0, 2).map(({ service }) => service) };
  }
  return root_cause === undefined
    ? { kind: "none" }
    : { kind: "cause", service: root_cause.service, operation: root_cause.operation };
}

/** Whether the conclusion is the label of the fault, or one as right. */
export function isRight(name: FaultName, concluded: Conclusion): boolean {
  const { label, alsoRight = [], expect } = faultOf(name);
  if (concluded.kind === "none") return false;
  if (expect === "abstain") {
    return concluded.kind === "abstained" && concluded.services.toSorted().join() === "cart,catalog";
  }
  return (
    concluded.kind === "cause" &&
    [label, ...alsoRight].some(
      ({ service, operation }) =>
        // The span of a click is called by what was clicked: `click button "Pay"`.
        concluded.service === service &&
        (concluded.operation === operation ||
          (service === "browser" && concluded.operation.startsWith(operation))),
    )
  );
}

/** The page `docs/agent-tasks.md`. Sizes differ from run to run: they are rounded up to 500 bytes, and no reason to write it again. */
export function agentTasksPage(rows: readonly TaskRow[]): string {
  const lines = rows.map(({ name, calls, bytes, concluded }) => {
    const rounded = Math.ceil(bytes / 500) * 500;
    const said = calls.map(({ tool, arguments: { what, type } }) => `${tool} ${what ?? type}`).join(" → ");
    const leadsTo =
      concluded.kind === "cause"
        ? `${concluded.operation} of ${concluded.service}`
        : "says that two services cannot be told apart";
    return `| ${name} | ${faultOf(name).description} | ${said} | ${leadsTo} | ${calls.length} | ${rounded} | ${rounded / 4} |`;
  });
  return `# How far an agent has to go

For each fault of the demo shop: the tool calls, over MCP, that lead from "something is wrong" to the labelled cause. The agent knows
nothing but that: it begins with \`${FIRST_CALL.tool} ${JSON.stringify(FIRST_CALL.arguments)}\`, and then makes the call that the reply's first
\`Next:\` line holds, word for word, until a reply names a cause or says that none can be told. A baseline called \`usual\` was saved
while the shop was well; the window asked about holds both the healthy and the faulty requests, and no call names the fault's time.

At most ${CALLS_MAX} calls and ${BYTES_MAX} bytes are allowed (\`test/mcp/agent-tasks.test.ts\` runs them against a real shop, a real daemon, and
for \`browser-only-error\` the extension in Chromium, and keeps this page up to date). Bytes are those of all replies, text and
structure together, rounded up to 500; tokens are bytes / 4.

For \`browser-only-error\` the page is paired through the extension: four visits that pay while the shop is well become the baseline, then
as many with the fault, each in a page of its own. Without Chromium neither that row nor this page is checked.

| fault | what is wrong | asked | leads to | calls | bytes ≤ | tokens ≈ |
|---|---|---|---|---:|---:|---:|
${lines.join("\n")}
`;
}
