import { FORMAT_NAMES } from "../../src/generate/parameters.ts";
import { ANALYSIS_TYPES } from "../../src/query/analyze-window.ts";
import { ACTION_NAMES } from "../../src/query/configure-parameters.ts";
import { WHATS } from "../../src/query/parameters.ts";
import type { AgentReply } from "./agent.ts";

/** A call whose reply is measured. */
export interface MeasuredCall {
  readonly tool: string;
  readonly mode: string;
  readonly input: object;
}

/** What of the data set calls are about. */
export interface Subject {
  readonly trace: string;
  readonly session?: string;
}

/** What calls need beside the mode; a new mode is measured without anything until it stands here. */
function needs({ trace, session }: Subject): Readonly<Record<string, object>> {
  const ofTrace = { filter: { trace_id: trace } };
  return {
    "observe trace": ofTrace,
    "observe correlation": ofTrace,
    "observe correlations": ofTrace,
    "observe causality": { filter: { status: "error" } },
    "observe impact_analysis": { filter: { service: "payment" } },
    "analyze critical_path": { trace_id: trace },
    "analyze compare": { trace_id: trace, baseline: "2026-01-01T00:00:00Z/2026-01-01T00:00:30Z" },
    "analyze correlate": { trace_id: trace },
    "analyze regression": { baseline: "usual" },
    "analyze impact_analysis": { service: "payment" },
    "generate test": session === undefined ? { trace_id: trace } : { session_id: session },
    "generate pr_summary": { baseline: "usual" },
    "generate implementation_plan": { trace_id: trace },
    "configure save_checkpoint": { name: "measured" },
    "configure set_baseline": { name: "usual" },
    "configure delete_checkpoint": { name: "measured" },
    "configure noise_rule": { name: "listing", rule: { url: "/items" } },
    "configure redaction_rule": { rule: { key: "card_number" } },
    "configure register_edge_case": { name: "no bank", rule: { match: { exception: "Timeout" } } },
  };
}

/** Every mode of every tool that needs no browser, from the tools' own lists; what changes files comes first. */
export function measuredCalls(subject: Subject): MeasuredCall[] {
  const given = needs(subject);
  const call = (tool: string, key: string, mode: string): MeasuredCall => ({
    tool,
    mode,
    input: { [key]: mode, ...given[`${tool} ${mode}`] },
  });
  return [
    // Last of all what drops the data.
    ...ACTION_NAMES.filter((action) => action !== "clear").map((action) =>
      call("configure", "action", action),
    ),
    ...WHATS.map((what) => call("observe", "what", what)),
    ...ANALYSIS_TYPES.map((type) => call("analyze", "type", type)),
    ...FORMAT_NAMES.map((format) => call("generate", "format", format)),
    call("configure", "action", "clear"),
  ];
}

/** Bytes of a reply as a client receives it, both forms together. */
export function bytesOf({ content, structuredContent }: AgentReply): number {
  return Buffer.byteLength(JSON.stringify({ content, structuredContent }));
}

/** One measured reply of the table. */
export interface MeasuredReply extends MeasuredCall {
  readonly data: string;
  readonly bytes: number;
  /** Code of the error that came instead. */
  readonly refused?: string;
}

const BYTES_PER_TOKEN = 4;

/** The table as `reply-sizes.md` holds it. */
export function sizeTable(replies: readonly MeasuredReply[]): string {
  const rows = replies.map(
    ({ tool, mode, data, bytes, refused }) =>
      `| ${tool} ${mode} | ${data} | ${bytes} | ${Math.ceil(bytes / BYTES_PER_TOKEN)} | ${refused ?? ""} |`,
  );
  return [
    "# Sizes of replies",
    "",
    "Text and structured content together, as a client of MCP receives them. Tokens are estimated as a quarter of the bytes. Written by `UPDATE_REPLY_SIZES=1 npx vitest run test/mcp/reply-sizes.test.ts`.",
    "",
    "| call | data | bytes | tokens, estimated | refused |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
