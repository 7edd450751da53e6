import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PORT, DEFAULTS } from "../config.ts";
import { GasolineError } from "../model/errors.ts";

type Environment = { readonly [name: string]: string | undefined };

/** What a running daemon writes into `<state-dir>/daemon.json`, so that other processes find it. */
export interface DaemonFile {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
}

/** Where to look for a daemon, in the order of the design: an endpoint given, the state folder, the usual port. */
export interface DaemonPlace {
  readonly endpoint: string | undefined;
  readonly stateDir: string;
  readonly apiKey: string;
}

export function daemonPlace(
  flags: { endpoint: string | undefined; stateDir: string | undefined },
  env: Environment,
): DaemonPlace {
  return {
    endpoint: flags.endpoint ?? env.GASOLINE_ENDPOINT,
    stateDir: flags.stateDir ?? env.GASOLINE_STATE_DIR ?? DEFAULTS.stateDir,
    apiKey: env.GASOLINE_API_KEY ?? "",
  };
}

/** The URL of a daemon that answers, or `undefined`. An endpoint that was given and is silent is an error. */
export async function findDaemon(place: DaemonPlace): Promise<string | undefined> {
  if (place.endpoint !== undefined) {
    const url = place.endpoint.replace(/\/+$/, "");
    if (await isGasoline(url)) return url;
    throw new GasolineError(
      "not_found",
      `No gasoline answers at ${url}.`,
      "Start one with `gasoline`, or correct --endpoint or GASOLINE_ENDPOINT.",
    );
  }
  const known = readDaemonFile(place.stateDir)?.url;
  if (known !== undefined && (await isGasoline(known))) return known;
  const usual = `http://localhost:${DEFAULT_PORT}`;
  return (await isGasoline(usual)) ? usual : undefined;
}

/** As `findDaemon`, but a missing daemon is an error with the remedy. */
export async function requireDaemon(place: DaemonPlace): Promise<string> {
  const url = await findDaemon(place);
  if (url !== undefined) return url;
  throw new GasolineError(
    "not_found",
    `No gasoline is running: ${join(place.stateDir, "daemon.json")} names none that answers, and nothing answers on port ${DEFAULT_PORT}.`,
    "Start one with `gasoline` (in a checkout: `npx gasoline`), or give --endpoint URL.",
  );
}

/** Finds a daemon or starts one in the background that ends by itself once it has been idle. */
export async function findOrStartDaemon(place: DaemonPlace, stop: AbortSignal): Promise<string> {
  const running = await findDaemon(place);
  if (running !== undefined) return running;
  const launcher = fileURLToPath(
    new URL(
      import.meta.url.endsWith(".ts") ? "../../bin/gasoline.js" : "../../../bin/gasoline.js",
      import.meta.url,
    ),
  );
  const child = spawn(
    process.execPath,
    [...process.execArgv, launcher, "serve", "--idle-exit", "10", "--state-dir", place.stateDir],
    {
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-500);
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !stop.aborted && child.exitCode === null) {
    const url = await findDaemon(place);
    if (url !== undefined) {
      // Let go of the child: it outlives us and ends by itself.
      child.stderr.destroy();
      child.unref();
      return url;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new GasolineError(
    "internal",
    `A daemon could not be started. ${complaint.trim()}`,
    "Start it by hand with `gasoline` and look at what it says.",
  );
}

const START_TIMEOUT_MS = 10_000;

export function writeDaemonFile(stateDir: string, file: DaemonFile): void {
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, "daemon.json"), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 });
}

/** Removes the file if it is still ours: another daemon may have taken the place meanwhile. */
export function removeDaemonFile(stateDir: string, pid: number): void {
  if (readDaemonFile(stateDir)?.pid === pid) rmSync(join(stateDir, "daemon.json"), { force: true });
}

function readDaemonFile(stateDir: string): DaemonFile | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(stateDir, "daemon.json"), "utf8"));
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { url, pid, version } = parsed as Partial<DaemonFile>;
    if (typeof url !== "string" || typeof pid !== "number" || typeof version !== "string") return undefined;
    return { url, pid, version };
  } catch {
    // Absent or half-written: then it names no daemon, and the usual port is tried.
    return undefined;
  }
}

async function isGasoline(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    const body: unknown = await response.json();
    return typeof body === "object" && body !== null && "service" in body && body.service === "gasoline";
  } catch {
    return false;
  }
}

/** Asks the daemon's REST API; a refusal becomes a GasolineError with the daemon's own words. */
export async function askDaemon(url: string, path: string, apiKey: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(apiKey === "" ? {} : { "x-api-key": apiKey }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw refusalOf(answer, response.status);
}

/** The body of a refusal as an error with the daemon's own words. */
export function refusalOf(body: unknown, status: number): GasolineError {
  const { error } = body as { error?: { message?: string } };
  return new GasolineError("bad_parameter", error?.message ?? `The daemon answered ${status}.`, "");
}
