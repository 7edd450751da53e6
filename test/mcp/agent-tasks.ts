import { type FaultName, faultOf } from "../../demo/shop/faults.ts";

/** When a fault was on, and when the shop was well before it. ISO 8601. */
export interface TaskWindow {
  readonly healthySince: string;
  readonly since: string;
  readonly until: string;
}

export interface ToolCall {
  readonly tool: "observe" | "analyze";
  readonly arguments: { readonly [name: string]: unknown };
}

type MakeCall = (window: TaskWindow) => ToolCall;

/** "What fails?" */
const errors: MakeCall = ({ since, until }) => ({
  tool: "observe",
  arguments: { what: "errors", filter: { since, until } },
});

/** "Why is it worse than before?" */
const cause: MakeCall = ({ healthySince, since, until }) => ({
  tool: "analyze",
  arguments: { type: "causality_chain", since, until, baseline: { since: healthySince, until: since } },
});

/** The shortest way from "something is wrong" to the cause of each fault that needs no browser. */
export const AGENT_TASKS = {
  "error-deep": [errors],
  "slow-query": [cause],
  "n-plus-one": [cause],
  "timeout-retry": [cause],
  "missing-index": [cause],
  "bad-deploy": [errors],
  "poisoned-cache": [cause],
  "third-party-slowdown": [cause],
  "propagation-broken": [cause],
  "twin-slow": [cause],
  "twin-errors": [cause],
} as const satisfies Partial<Record<FaultName, readonly MakeCall[]>>;

export type TaskName = keyof typeof AGENT_TASKS;
export const TASK_NAMES = Object.keys(AGENT_TASKS) as TaskName[];

/** What a task may take in all. */
export const CALLS_MAX = 3;
export const BYTES_MAX = 12_000;

/** One task as it was done. */
export interface TaskRow {
  readonly name: TaskName;
  readonly calls: readonly ToolCall[];
  /** Of all replies, text and structure. */
  readonly bytes: number;
}

/** Names a reply has to hold for the task to be done: any of these pairs; for what cannot be told apart, both services. */
export function expectedNames(name: TaskName): readonly (readonly [service: string, operation: string])[] {
  const { label, alsoRight = [] } = faultOf(name);
  return [label, ...alsoRight].map(({ service, operation }) => [service, operation]);
}

/** The page `docs/agent-tasks.md`. Sizes differ from run to run: they are rounded up to 500 bytes, and no reason to write it again. */
export function agentTasksPage(rows: readonly TaskRow[]): string {
  const lines = rows.map(({ name, calls, bytes }) => {
    const rounded = Math.ceil(bytes / 500) * 500;
    const said = calls
      .map(({ tool, arguments: { what, type } }) => `${tool} ${what ?? type}`)
      .join(", then ");
    const { label, expect } = faultOf(name);
    const leadsTo =
      expect === "abstain"
        ? "says that two services cannot be told apart"
        : `${label.operation} of ${label.service}`;
    return `| ${name} | ${faultOf(name).description} | ${said} | ${leadsTo} | ${calls.length} | ${rounded} | ${rounded / 4} |`;
  });
  return `# How far an agent has to go

For each fault of the demo shop: the fewest tool calls, over MCP, that lead from "something is wrong" to the labelled cause.
At most ${CALLS_MAX} calls and ${BYTES_MAX} bytes are allowed (\`test/mcp/agent-tasks.test.ts\` runs them against a real shop and a
real daemon, and keeps this page up to date). Bytes are those of all replies, rounded up to 500; tokens are bytes / 4. The windows
compared are the shop with the fault and the shop just before it. \`browser-only-error\` needs the extension and is not among them.

| fault | what is wrong | asked | leads to | calls | bytes ≤ | tokens ≈ |
|---|---|---|---|---:|---:|---:|
${lines.join("\n")}
`;
}
