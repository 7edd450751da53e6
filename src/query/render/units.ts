/** A duration for people: three significant digits, `0`, `850ns`, `12.3µs`, `4.56ms`, `1.25s`, `3m20s`, `2h05m`. */
export function formatDuration(ns: bigint | number): string {
  const value = Math.round(Number(ns));
  if (value < 0) return `-${formatDuration(-value)}`;
  if (value === 0) return "0";
  if (value < 1e3) return `${value}ns`;
  if (value < 999.5e3) return `${significant(value / 1e3)}µs`;
  if (value < 999.5e6) return `${significant(value / 1e6)}ms`;
  if (value < 59.95e9) return `${significant(value / 1e9)}s`;
  const seconds = Math.round(value / 1e9);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

function significant(value: number): string {
  return value >= 100
    ? value.toFixed(0)
    : value >= 10
      ? String(Number(value.toFixed(1)))
      : String(Number(value.toFixed(2)));
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

const ISO_MS_MAX = 8_640_000_000_000_000;

/** Unix nanoseconds as ISO 8601 with milliseconds; times past what a date can hold stay a number of ns. */
export function isoTime(ns: bigint): string {
  const ms = Number(ns / 1_000_000n);
  return ms <= ISO_MS_MAX ? new Date(ms).toISOString() : `${ns}ns`;
}

/** Time of day of a Unix time in ns, UTC, `10:02:03.123`. */
export function clockTime(ns: bigint): string {
  const iso = isoTime(ns);
  return iso.length === 24 ? iso.slice(11, 23) : iso;
}

/** `1 span`, `2 spans`, `12,345 spans`; a noun in -y or -s forms its plural as English does. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString("en-US")} ${number === 1 ? noun : plural(noun)}`;
}

function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) return `${noun.slice(0, -1)}ies`;
  return /(?:s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`;
}
