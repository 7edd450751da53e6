import type { Hidden, ObserveResponse } from "../shapes.ts";
import { fence } from "./clean.ts";
import { count } from "./units.ts";

/**
 * The text form of a reply: conclusion, then the rows inside the fence, then what was left out and the calls
 * that lead on. Only what stands inside the fence comes from telemetry.
 */
export function renderText(response: ObserveResponse, lines: readonly string[]): string {
  const { summary, metadata } = response;
  // An empty answer's reason quotes names that telemetry chose, so it too stands inside the fence.
  const fenced = metadata.why_empty === undefined ? lines : [...lines, metadata.why_empty];
  const parts = [summary];
  if (fenced.length > 0) parts.push(fence(fenced));
  if (metadata.left_out !== undefined) parts.push(`Left out: ${metadata.left_out}`);
  if (metadata.hidden !== undefined) parts.push(hiddenText(metadata.hidden));
  if (metadata.ignored !== undefined) {
    parts.push(`Not applied, meaningless here: ${metadata.ignored.join(", ")}.`);
  }
  if (metadata.lost !== undefined) {
    parts.push(`Lost: ${metadata.lost} records of this window were evicted; held since ${metadata.horizon}.`);
  }
  if (metadata.cursor_prev !== undefined) parts.push(`Back: before_cursor ${metadata.cursor_prev}`);
  if (metadata.cursor_next !== undefined) parts.push(`More: after_cursor ${metadata.cursor_next}`);
  if (metadata.cursor_since !== undefined)
    parts.push(`What is new later: filter.since ${metadata.cursor_since}`);
  for (const call of metadata.next ?? []) parts.push(`Next: ${call}`);
  return parts.join("\n");
}

function hiddenText({ by_noise_rules = 0, tool_calls = 0 }: Hidden): string {
  const parts = [
    ...(by_noise_rules > 0 ? [`${by_noise_rules} by noise rules`] : []),
    ...(tool_calls > 0 ? [`${count(tool_calls, "call")} of these tools`] : []),
  ];
  return `Hidden: ${parts.join(", ")}; include_noise shows them.`;
}
