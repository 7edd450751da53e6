import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = fileURLToPath(new URL(".", import.meta.url));
const cache = fileURLToPath(new URL("../../node_modules/.cache/foreign-clients/", import.meta.url));
const run = promisify(execFile);

/** A command that takes longer is ended. */
const COMMAND_MS = 240_000;
const OUTPUT_BYTES_MAX = 1 << 26;

/** A program in another language, made ready once and kept. */
export interface ForeignProgram {
  readonly name: string;
  /** Commands that must be there, with the arguments that make them tell their version. */
  readonly tools: readonly (readonly [command: string, ...versionArguments: string[]])[];
  /** Files of this folder that decide what is installed and built. */
  readonly files: readonly string[];
  /** Fetches its packages into `folder`. When this fails, the client's tests are skipped. */
  install(folder: string): Promise<unknown>;
  /** Builds it in `folder`, out of packages that are there. When this fails, its tests fail. */
  build(folder: string): Promise<unknown>;
  /** The command that runs it, from this folder. */
  command(folder: string): readonly [string, ...string[]];
}

/** An OTLP client: it sends with its language's exporters to the endpoint that its command is given. */
export interface ForeignClient extends ForeignProgram {
  /** Ways it sends; its services are called `NAME-TRANSPORT-COMPRESSION`. */
  readonly transports: readonly string[];
}

/** Runs a command in this folder; rejects with what it printed when it ends with another code than 0. */
export async function runHere(
  command: string,
  commandArguments: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const options = { cwd: here, env, maxBuffer: OUTPUT_BYTES_MAX, timeout: COMMAND_MS };
  const { stdout } = await run(command, commandArguments, options);
  return stdout;
}

/** What a program's tools say of their versions, or the name of the first that is not on PATH. */
export function probeTools(
  program: ForeignProgram,
): { readonly versions: string } | { readonly missing: string } {
  const versions: string[] = [];
  for (const [command, ...versionArguments] of program.tools) {
    try {
      versions.push(execFileSync(command, versionArguments, { encoding: "utf8", stdio: "pipe" }));
    } catch {
      return { missing: command };
    }
  }
  return { versions: versions.join() };
}

/** The reason why a program cannot be tested here: its packages are not to be had. */
export class NotInstallable extends Error {}

/**
 * A folder with the program ready to run, made once for its files and tool versions and kept between test runs.
 * Rejects with NotInstallable when packages cannot be fetched, and with another error when the build fails.
 */
export async function prepare(program: ForeignProgram, versions: string): Promise<string> {
  const hash = createHash("sha256").update(versions);
  for (const file of program.files) hash.update(readFileSync(join(here, file)));
  const folder = join(cache, `${program.name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(folder)) return folder;

  // Made beside its place and moved there whole, so that a run that was cut off leaves nothing half done.
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    await program.install(draft).catch((error: unknown) => {
      throw new NotInstallable(`the packages of ${program.name} cannot be installed: ${lastLine(error)}`);
    });
    await program.build(draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another run was first.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The last line of what a failed command printed. */
function lastLine(error: unknown): string {
  const output = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  return (output.trim() || String(error)).split("\n").at(-1)!.slice(0, 200);
}

/** Lets the client send everything to `endpoint`; returns what it printed. */
export async function send(client: ForeignClient, folder: string, endpoint: string): Promise<string> {
  const [command, ...commandArguments] = client.command(folder);
  // The registry's proxy, if there is one, is no way to this machine's own port.
  const proxies = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  return await runHere(command, [...commandArguments, endpoint], proxies);
}
