import { Writable } from "node:stream";
import { createOtlpClient } from "../src/adapters/otlp-client.ts";
import { startCommand } from "../src/adapters/process.ts";
import { systemClock } from "../src/model/time.ts";

/** What `run` cost for one command, told over IPC when it has ended. */
export interface RunCost {
  readonly cpuMs: number;
  readonly sent: number;
  readonly lost: number;
}

/** `gasoline run` in a process of its own. Arguments: URL of the daemon, then the command. */
const [url, ...command] = process.argv.slice(2);
const client = createOtlpClient({ endpoint: () => Promise.resolve(url), apiKey: "", clock: systemClock });
const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
const cpuBefore = process.cpuUsage();
const running = await startCommand({
  command,
  cwd: process.cwd(),
  env: process.env,
  stdin: "ignore",
  stdout: nowhere,
  stderr: process.stderr,
  hasRoom: () => client.hasRoom(),
  source: () => client.source({ "service.name": "bench" }),
  clock: systemClock,
});
const exit = await running.exit;
const stats = await client.close(30_000);
const cpu = process.cpuUsage(cpuBefore);
const cost: RunCost = {
  cpuMs: (cpu.user + cpu.system) / 1000,
  sent: stats.sent,
  lost: stats.dropped + exit.linesLost,
};
process.send!(cost);
process.disconnect();
