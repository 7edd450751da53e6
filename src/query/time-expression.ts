import { GasolineError } from "../model/errors.ts";
import { type Clock, msToNs } from "../model/time.ts";

const RELATIVE = /^-\s*(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h|d)$/;
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
/** Unix milliseconds: from 1973 to 5138, so that seconds and nanoseconds given by mistake are recognised. */
const UNIX_MS_MIN = 1e11;
const UNIX_MS_MAX = 1e14;

/**
 * A moment as `since` and `until` take it, in Unix ns: ISO 8601 (`2026-01-31T10:00:00Z`; without a zone it is
 * UTC), Unix milliseconds as number or digits, `now`, or so long ago: `-5m`, `-30s`, `-2h`, `-1d`.
 * Throws GasolineError `bad_parameter` naming `parameter` when it is none of these.
 */
export function parseTime(value: string | number, parameter: string, clock: Clock): bigint {
  const text = String(value).trim();
  if (text === "now") return msToNs(clock.nowMs());
  const relative = RELATIVE.exec(text.toLowerCase());
  if (relative !== null)
    return msToNs(Math.max(0, clock.nowMs() - Number(relative[1]) * UNIT_MS[relative[2]!]!));
  if (/^\d+(?:\.\d+)?$/.test(text)) return unixMs(text, parameter);
  const ms = /^\d{4}-\d{2}/.test(text) ? Date.parse(withZone(text)) : Number.NaN;
  if (!Number.isNaN(ms) && ms >= 0) return msToNs(ms);
  throw wrongTime(text, parameter, "");
}

function unixMs(text: string, parameter: string): bigint {
  const ms = Number(text);
  if (ms >= UNIX_MS_MIN && ms < UNIX_MS_MAX) return msToNs(ms);
  const hint =
    ms >= 1e9 && ms < UNIX_MS_MIN
      ? " This looks like seconds: multiply it by 1000."
      : ms >= UNIX_MS_MAX
        ? " This looks like micro- or nanoseconds: divide it down to milliseconds."
        : "";
  throw wrongTime(text, parameter, hint);
}

/** A date and time without a zone means UTC here, wherever the daemon runs. */
function withZone(text: string): string {
  return /T\d{2}:\d{2}/i.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/i.test(text) ? `${text}Z` : text;
}

function wrongTime(text: string, parameter: string, hint: string): GasolineError {
  return new GasolineError(
    "bad_parameter",
    `${parameter} is ${JSON.stringify(text.slice(0, 80))}; expected ISO 8601, Unix milliseconds, or a time ago such as -5m.${hint}`,
    'For example {"since": "-15m"} or {"since": "2026-01-31T10:00:00Z"}.',
  );
}
