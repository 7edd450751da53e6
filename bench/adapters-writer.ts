import { writeFileSync, writeSync } from "node:fs";

/**
 * A program of the adapter benchmark that prints: arguments are how many lines, how many a second, and a file for the
 * milliseconds it took. It writes as a server does that logs JSON, and waits when its pipe is full.
 */
const [lines, perSecond, result] = process.argv.slice(2);
const total = Number(lines);
const perTick = Number(perSecond) / 100;

const start = performance.now();
let written = 0;
const timer = setInterval(() => {
  const due = Math.min(total, Math.ceil(((performance.now() - start) / 10) * perTick));
  let block = "";
  for (; written < due; written++) {
    block += `{"level":30,"time":${Date.now()},"pid":7,"hostname":"dev","reqId":${written},"msg":"request completed","route":"/cart","ms":12.5}\n`;
  }
  writeAll(Buffer.from(block));
  if (written < total) return;
  clearInterval(timer);
  writeFileSync(result!, String(performance.now() - start));
}, 10);

function writeAll(bytes: Buffer): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
  }
}
