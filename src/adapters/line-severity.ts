/**
 * Severity numbers of the OTLP log data model by the words loggers use, lower case. Words of one rank share the
 * number that the data model's table of examples gives them.
 */
const BY_WORD: ReadonlyMap<string, number> = new Map([
  ...words(1, "trace", "trc", "silly", "finest", "all", "verbose"),
  ...words(3, "finer"),
  ...words(5, "debug", "dbg", "dbug", "debu", "fine", "config", "d"),
  ...words(7, "http"),
  ...words(9, "info", "inf", "information", "informational", "log", "success", "i"),
  ...words(10, "notice"),
  ...words(13, "warn", "warning", "wrn", "wrng", "w"),
  ...words(17, "error", "err", "eror", "severe", "fail", "e"),
  ...words(18, "critical", "crit", "crt", "dpanic", "c"),
  ...words(19, "alert"),
  ...words(21, "fatal", "ftl", "emergency", "emerg", "panic", "pnc", "f"),
]);

function words(severity: number, ...names: readonly string[]): (readonly [string, number])[] {
  return names.map((name) => [name, severity] as const);
}

/** pino, bunyan and their kin: 10 trace … 60 fatal; a custom level reads as the one below it. */
const BUNYAN = [1, 5, 9, 13, 17, 21] as const;

/** RFC 5424 severities 0 emergency … 7 debug, as GELF and journald give them. */
const SYSLOG = [21, 19, 18, 17, 13, 10, 9, 5] as const;

/** The severity number a logger's word means, 0 when it is not one. slog's offsets (`INFO+2`) count. */
export function severityOfWord(word: string): number {
  const known = BY_WORD.get(word.toLowerCase());
  if (known !== undefined) return known;
  const offset = /^(DEBUG|INFO|WARN|ERROR)([+-]\d+)$/.exec(word);
  if (offset === null) return 0;
  return Math.min(24, Math.max(1, BY_WORD.get(offset[1]!.toLowerCase())! + Number(offset[2])));
}

/** The severity number of a level given as a number: 0–7 as syslog means it, from 10 as pino and bunyan do. */
export function severityOfNumber(level: number): number {
  if (level >= 0 && level <= 7 && Number.isInteger(level)) return SYSLOG[level]!;
  if (level < 10) return 0;
  return BUNYAN[Math.min(5, Math.floor(level / 10) - 1)]!;
}
