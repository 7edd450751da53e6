import type { OtlpClient } from "../adapters/otlp-client.ts";
import type { AdapterConfig, Config } from "../config.ts";
import { systemClock } from "../model/time.ts";
import { type Arguments, flagOption, listOption, type Terminal, textOption } from "./command.ts";

/** Options of `serve` that let the daemon run adapters itself. */
export const ADAPTER_OPTIONS = {
  tail: { type: "string", multiple: true },
  docker: { type: "string", multiple: true },
  syslog: { type: "string" },
  git: { type: "boolean" },
} as const;

/** Those that may stand without a value: all containers, the usual port. */
export const ADAPTER_OPTIONAL_VALUES = ["docker", "syslog"] as const;

export function adapterFlags(args: Arguments) {
  return {
    tail: listOption(args, "tail"),
    docker: listOption(args, "docker"),
    syslog: textOption(args, "syslog"),
    git: flagOption(args, "git"),
  };
}

/**
 * Starts the adapters that are configured: clients of the daemon's own port, like any other. Returns how to stop them,
 * to be called while the daemon still listens. Each is loaded only when asked for, since the first span is not to wait.
 */
export async function startAdapters(
  url: string,
  config: Config,
  terminal: Terminal,
): Promise<() => Promise<void>> {
  const { tail, docker, syslog, git } = config.adapters;
  if (tail.length === 0 && docker === undefined && syslog === undefined && !git)
    return () => Promise.resolve();
  const { createOtlpClient } = await import("../adapters/otlp-client.ts");
  const client = createOtlpClient({
    endpoint: () => Promise.resolve(url),
    apiKey: config.apiKey,
    clock: systemClock,
  });
  const running: { close(): Promise<void> }[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((adapter) => adapter.close()));
    await client.close(CLOSE_MS);
  };
  try {
    for (const start of STARTS) {
      const adapter = await start({ config, adapters: config.adapters, client, terminal });
      if (adapter !== undefined) running.push(adapter);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

interface Start {
  readonly config: Config;
  readonly adapters: AdapterConfig;
  readonly client: OtlpClient;
  readonly terminal: Terminal;
}

/** One for each adapter; nothing where it is not configured. */
const STARTS: readonly ((start: Start) => Promise<{ close(): Promise<void> } | undefined>)[] = [
  async ({ config, adapters: { tail }, client, terminal }) => {
    if (tail.length === 0) return undefined;
    const { startFollowing } = await import("./tail.ts");
    const { stateDir } = config;
    const following = { patterns: tail, client, stateDir, terminal, service: undefined, fromStart: false };
    return { close: await startFollowing(following) };
  },
  async ({ adapters: { docker }, client, terminal }) => {
    if (docker === undefined) return undefined;
    return (await import("./docker.ts")).startDocker(docker, client, terminal);
  },
  async ({ adapters: { syslog }, client, terminal }) => {
    if (syslog === undefined) return undefined;
    return (await import("./syslog.ts")).startReceiver(syslog, client, terminal);
  },
  async ({ adapters: { git }, client, terminal }) => {
    if (!git) return undefined;
    const { openRepository } = await import("../adapters/git-repository.ts");
    const { startGit } = await import("./git.ts");
    return startGit(await openRepository(process.cwd()), client, terminal, false);
  },
];

const CLOSE_MS = 2_000;
