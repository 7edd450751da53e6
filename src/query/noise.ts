import { TOOL_CALL_EVENT } from "../correlate/loop-history.ts";
import { GasolineError } from "../model/errors.ts";
import { SEVERITY_ERROR } from "../model/log.ts";
import type { Clock } from "../model/time.ts";
import type { AttributeFilter, RecordFilter } from "../store/telemetry-store.ts";
import { STATUS_KEYS, toStoreFilter } from "./filter.ts";
import type { NoiseRule } from "./noise-rule.ts";
import type { Question } from "./reply.ts";
import type { Hidden, ObserveContext } from "./shapes.ts";

/** Where HTTP servers and their loggers write a status. */
const STATUS_SPELLINGS = [
  ...STATUS_KEYS,
  "status",
  "statusCode",
  "status_code",
  "res.statusCode",
  "http.status",
];
const NEVER_HIDDEN_STATUSES = ["401", "403"] as const;

/** What no rule hides beside errors: refused access, and tests that failed without an error status. */
export const NEVER_HIDDEN: readonly RecordFilter[] = [
  ...STATUS_SPELLINGS.flatMap((key) => NEVER_HIDDEN_STATUSES.map((status) => having(key, status))),
  having("test.case.result.status", "fail"),
  having("test.case.result.status", "failed"),
];

function having(key: string, value: string): RecordFilter {
  const condition: AttributeFilter = { keys: [key], match: { op: "equals", value } };
  return { attributes: [condition] };
}

/** The records of what agents asked here. */
export const TOOL_CALLS: RecordFilter = { streams: ["custom"], kinds: ["log"], name: TOOL_CALL_EVENT };

/**
 * What a rule hides. Strings are compared as observe compares them, without regular expressions, so that no rule and no
 * record can make it run for ever. Throws `bad_parameter` for a status that is never hidden.
 */
export function noiseFilter(
  { rule }: NoiseRule,
  store: { readonly epoch: string },
  clock: Clock,
): RecordFilter {
  const { filter } = toStoreFilter(rule, { ignores: [] }, {}, store, clock);
  return { ...filter, severityMax: SEVERITY_ERROR - 1, not: NEVER_HIDDEN };
}

/** What the rules on file hide; nothing when `include_noise` is given. */
export function noiseRules({ store, query, context }: Question): readonly RecordFilter[] {
  if (query.includeNoise) return [];
  return rulesOnFile(context).map((rule) => noiseFilter(rule, store, context.clock));
}

/** Counts the matches of a filter. */
type Total = (filter: RecordFilter) => Promise<number>;

/** What a listing leaves out. */
export interface Quiet {
  /** The listing's filter without it. */
  readonly filter: RecordFilter;
  /** How many matches a page of the listing leaves out; undefined when none are. */
  readonly hidden: (page: { readonly leftOut: number }, total: Total) => Promise<Hidden | undefined>;
}

/**
 * Leaves out what noise rules hide and what agents asked here; the latter is shown when it is asked for by its name.
 */
export function quieten(question: Question, filter: RecordFilter): Quiet {
  const rules = noiseRules(question);
  const { includeNoise, filter: asked } = question.query;
  const calls = includeNoise || asked.name === TOOL_CALL_EVENT ? [] : [TOOL_CALLS];
  const not = [...rules, ...calls];
  return {
    filter: not.length === 0 ? filter : { ...filter, not },
    hidden: async ({ leftOut }, total) => {
      const hiddenCalls = calls.length === 0 ? 0 : await countToolCalls(filter, total);
      // A call of a tool that arrived between the two counts is none of the rules' doing.
      const noise = rules.length === 0 ? 0 : Math.max(0, leftOut - hiddenCalls);
      if (hiddenCalls + noise === 0) return undefined;
      return {
        ...(noise > 0 ? { by_noise_rules: noise } : {}),
        ...(hiddenCalls > 0 ? { tool_calls: hiddenCalls } : {}),
      };
    },
  };
}

/** Looks at one small ring only. */
async function countToolCalls(filter: RecordFilter, total: Total): Promise<number> {
  const { streams, kinds, name = "" } = filter;
  if (streams?.includes("custom") === false || kinds?.includes("log") === false) return 0;
  return TOOL_CALL_EVENT.includes(name.toLowerCase()) ? total({ ...filter, ...TOOL_CALLS }) : 0;
}

/** The reason of an answer that is empty because everything that matches is noise. */
export function whyAllHidden(
  page: { readonly total: number },
  hidden: Hidden | undefined,
): string | undefined {
  const { by_noise_rules: noise } = hidden ?? {};
  return page.total > 0 || noise === undefined
    ? undefined
    : `Noise rules hide all that match (${noise}): call with include_noise, or look at configure noise_rule.`;
}

/** The rules on file. A file that cannot be read hides nothing: doctor and `noise_rule` say what is wrong with it. */
function rulesOnFile({ state }: ObserveContext): readonly NoiseRule[] {
  try {
    return state.readNoiseRules();
  } catch (error) {
    if (error instanceof GasolineError) return [];
    throw error;
  }
}
