import { existsSync, readFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { GasolineError } from "../model/errors.ts";

type Environment = { readonly [name: string]: string | undefined };

/** The Engine API of one Docker daemon (https://docs.docker.com/reference/api/engine/). */
export interface DockerEngine {
  /** Where it is, for people. */
  readonly place: string;
  /** The JSON that `GET path` answers. Rejects with EngineError, or a socket's error while nobody listens. */
  json(path: string): Promise<unknown>;
  /** The body of `GET path` as it comes, until `signal` ends it. Rejects as `json` does. */
  stream(path: string, signal: AbortSignal): Promise<IncomingMessage>;
}

/** The engine answered, and refused. */
export class EngineError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What this program was written for; a daemon that speaks only newer or older versions is asked in its nearest. */
const API_VERSION = "1.43";
const ANSWER_BYTES_MAX = 64 * 1024 ** 2;
const ANSWER_MS = 10_000;

/**
 * The engine that the `docker` command would talk to: DOCKER_HOST (`unix://`, `tcp://`, with TLS as
 * DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say), else the first usual socket that exists.
 * Throws GasolineError `bad_parameter` on an address of another kind.
 */
export function dockerEngine(env: Environment): DockerEngine {
  const host = env.DOCKER_HOST || usualSocket(env);
  const options = { ...addressOf(host), headers: { host: "docker" } };
  const secure = env.DOCKER_TLS_VERIFY ? certificates(env) : undefined;
  let version: Promise<string> | undefined;

  function get(path: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const all: RequestOptions = { ...options, ...(signal === undefined ? {} : { signal }), path };
      const request = secure === undefined ? httpRequest(all) : httpsRequest({ ...all, ...secure });
      request.once("error", reject);
      request.once("response", (response) => {
        if (response.statusCode === 200) resolve(response);
        else refusalOf(response).then(reject, reject);
      });
      request.end();
    });
  }

  async function versioned(path: string, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    version ??= negotiate();
    // Asked again after a failure: the daemon that comes back may be another.
    const prefix = await version.catch((error: unknown) => {
      version = undefined;
      throw error;
    });
    return get(`${prefix}${path}`, signal);
  }

  async function negotiate(): Promise<string> {
    const answer = await bodyOf(await get("/version", AbortSignal.timeout(ANSWER_MS)));
    const { ApiVersion, MinAPIVersion } = answer as { ApiVersion?: unknown; MinAPIVersion?: unknown };
    const newest = typeof ApiVersion === "string" ? ApiVersion : API_VERSION;
    const oldest = typeof MinAPIVersion === "string" ? MinAPIVersion : "1.24";
    if (isOlder(newest, API_VERSION)) return `/v${newest}`;
    return `/v${isOlder(API_VERSION, oldest) ? oldest : API_VERSION}`;
  }

  return {
    place: host,
    json: async (path) => bodyOf(await versioned(path, AbortSignal.timeout(ANSWER_MS))),
    stream: versioned,
  };
}

/** Also where Docker Desktop, rootless Docker and Podman listen. */
function usualSocket(env: Environment): string {
  const runtime = env.XDG_RUNTIME_DIR;
  const sockets = [
    "/var/run/docker.sock",
    ...(runtime === undefined ? [] : [join(runtime, "docker.sock"), join(runtime, "podman/podman.sock")]),
    join(env.HOME ?? homedir(), ".docker/run/docker.sock"),
  ];
  return `unix://${sockets.find((path) => existsSync(path)) ?? sockets[0]}`;
}

function addressOf(host: string): RequestOptions {
  if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  const match = /^(?:tcp|https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?\/?$/.exec(host);
  if (match === null) {
    throw new GasolineError(
      "bad_parameter",
      `DOCKER_HOST "${host}" is neither unix://PATH nor tcp://HOST:PORT.`,
      "For an engine behind ssh, forward its socket: `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST`.",
    );
  }
  return { host: match[1]!.replace(/^\[|\]$/g, ""), port: Number(match[2] ?? 2375) };
}

function certificates(env: Environment): { ca: Buffer; cert: Buffer; key: Buffer } {
  const folder = env.DOCKER_CERT_PATH ?? join(env.HOME ?? homedir(), ".docker");
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

async function bodyOf(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) throw new EngineError(0, "The engine's answer is too long.");
  }
  return JSON.parse(String(Buffer.concat(chunks)));
}

/** The reason the engine gives, `{"message": …}`. */
async function refusalOf(response: IncomingMessage): Promise<EngineError> {
  const status = response.statusCode ?? 0;
  const answer = await bodyOf(response).catch(() => undefined);
  const said = typeof answer === "object" && answer !== null && "message" in answer ? answer.message : "";
  return new EngineError(status, String(said || `status ${status}`));
}

/** Versions such as 1.9 and 1.43 compare by their numbers. */
function isOlder(a: string, b: string): boolean {
  const [[aMajor = 0, aMinor = 0], [bMajor = 0, bMinor = 0]] = [a, b].map((text) =>
    text.split(".").map(Number),
  ) as [number[], number[]];
  return aMajor !== bMajor ? aMajor < bMajor : aMinor < bMinor;
}
