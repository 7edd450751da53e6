import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FilePositions, followFiles } from "../adapters/file-set.ts";
import { createLineReader } from "../adapters/line-reader.ts";
import type { OtlpClient } from "../adapters/otlp-client.ts";
import { createOutputCapture } from "../adapters/output-capture.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { adapterClient, CLIENT_OPTIONS, closeClient } from "./adapter-client.ts";
import { type Command, flagOption, type Terminal, textOption, untilStopped } from "./command.ts";

/** `gasoline tail FILE…`: lines of files, or of stdin, as logs. */
export const tail: Command = {
  name: "tail",
  summary: "send lines of files as logs, through rotation; `-` reads stdin and passes it on",
  usage: "FILE… | -",
  options: { service: { type: "string" }, "from-start": { type: "boolean" }, ...CLIENT_OPTIONS },
  run: async (args, terminal) => {
    const patterns = args.positionals;
    if (patterns.length === 0) {
      throw new GasolineError(
        "bad_parameter",
        "tail needs files.",
        "Write `gasoline tail log/*.log`, or `app | gasoline tail -`.",
      );
    }
    const { client, place } = await adapterClient(args, terminal);
    const service = textOption(args, "service");
    const files = patterns.filter((pattern) => pattern !== "-");
    const stopFollowing =
      files.length === 0
        ? undefined
        : await startFollowing({
            patterns: files,
            client,
            service,
            fromStart: flagOption(args, "from-start") === true,
            stateDir: place.stateDir,
            terminal,
          });
    const linesLost = patterns.includes("-")
      ? await readStdin(client, service ?? terminal.env.OTEL_SERVICE_NAME ?? "stdin", terminal.stop)
      : await untilStopped(terminal.stop).then(() => 0);
    await stopFollowing?.();
    await closeClient(client, terminal, linesLost);
    return 0;
  },
};

export interface Following {
  readonly patterns: readonly string[];
  readonly client: OtlpClient;
  readonly service: string | undefined;
  readonly fromStart: boolean;
  /** Where positions are kept, in `tail.json`. */
  readonly stateDir: string;
  readonly terminal: Terminal;
}

const SAVE_MS = 1_000;

/** Follows files with their positions kept across runs; returns how to stop. */
export async function startFollowing(following: Following): Promise<() => Promise<void>> {
  const { stateDir, terminal, ...rest } = following;
  const path = join(stateDir, "tail.json");
  const files = await followFiles({
    ...rest,
    clock: systemClock,
    positions: readPositions(path),
    warn: (message) => terminal.stderr.write(`gasoline: ${message}\n`),
  });
  const followed = files.paths();
  terminal.stderr.write(
    followed.length === 0
      ? `gasoline: nothing matches ${rest.patterns.join(" ")} yet; waiting for it.\n`
      : `gasoline: following ${followed.join(" ")}\n`,
  );
  const save = (): void => writePositions(path, { ...readPositions(path), ...files.positions() });
  const timer = setInterval(save, SAVE_MS);
  return async () => {
    clearInterval(timer);
    await files.poll();
    await files.close();
    save();
  };
}

/** What was kept; nothing when the file is absent or unreadable, since then each file starts at its end. */
function readPositions(path: string): FilePositions {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as FilePositions) : {};
  } catch {
    return {};
  }
}

/** Written beside and renamed, so that it is never half a file. */
function writePositions(path: string, positions: FilePositions): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(positions, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** Reads stdin to its end and passes it on to stdout, unchanged. Returns how many lines were not read. */
async function readStdin(client: OtlpClient, service: string, stop: AbortSignal): Promise<number> {
  const source = client.source({ "service.name": service });
  const capture = createOutputCapture(
    createLineReader({
      clock: systemClock,
      attributes: { "log.iostream": "stdin" },
      onRecord: (record) => source.log(record),
    }),
    () => client.hasRoom(),
  );
  const { stdin, stdout } = process;
  await new Promise<void>((resolve) => {
    stdin.on("data", (chunk: Buffer) => {
      if (!stdout.write(chunk)) {
        stdin.pause();
        stdout.once("drain", () => stdin.resume());
      }
      capture.push(chunk);
    });
    stdin.once("end", resolve);
    stdin.once("error", () => resolve());
    // Who reads on has gone: so does who writes.
    stdout.once("error", () => resolve());
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  stdin.destroy();
  await capture.end();
  return capture.linesLost();
}
