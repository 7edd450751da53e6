import type { HrTime } from "@opentelemetry/api";

export type HeadEvent = "gasoline.git.commit" | "gasoline.git.checkout" | "gasoline.git.merge";

/** One move of HEAD, as git notes it in `logs/HEAD`. */
export interface HeadMove {
  readonly event: HeadEvent;
  /** All zeros before the first commit. */
  readonly from: string;
  readonly to: string;
  readonly time: HrTime;
  /** In git's words: `commit (amend): fix the cart`. */
  readonly message: string;
}

const LINE = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) .*> (\d{1,12}) [+-]\d{4}(?:\t(.*))?$/;

/** What a message says that moved HEAD; the first that fits. */
const EVENTS: readonly (readonly [RegExp, HeadEvent])[] = [
  [/^commit \(merge\)|^merge |^pull\b/, "gasoline.git.merge"],
  [/^commit\b|^cherry-pick|^revert|^am\b/, "gasoline.git.commit"],
  [/^rebase.*\((?:pick|continue|reword|edit|squash|fixup|merge)\)/, "gasoline.git.commit"],
];

/** `undefined` for a line of another form, e.g. one that is half written. */
export function parseReflogLine(line: string): HeadMove | undefined {
  const match = LINE.exec(line);
  if (match === null) return undefined;
  const message = match[4] ?? "";
  const event = EVENTS.find(([pattern]) => pattern.test(message))?.[1] ?? "gasoline.git.checkout";
  return { event, from: match[1]!, to: match[2]!, time: [Number(match[3]), 0], message };
}

/** The branch HEAD was on before a move, given the one after it; `undefined` for none. */
export function branchBefore({ message }: HeadMove, after: string | undefined): string | undefined {
  const from = /^checkout: moving from (\S+) to \S+$/.exec(message)?.[1];
  if (from !== undefined) return /^[0-9a-f]{40,64}$/.test(from) ? undefined : from;
  return /^rebase.*\((?:finish|abort)\)/.test(message) ? undefined : after;
}
