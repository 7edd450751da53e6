import type { Config } from "../config.ts";
import { systemClock } from "../model/time.ts";
import { type Arguments, listOption, type Terminal } from "./command.ts";

/** Options of `serve` that let the daemon run adapters itself. */
export const ADAPTER_OPTIONS = { tail: { type: "string", multiple: true } } as const;

/**
 * Starts the adapters that `serve` was asked for: clients of its own port, like any other. Returns how to stop them,
 * to be called while the daemon still listens. Loaded only when asked for, since the first span is not to wait for it.
 */
export async function startAdapters(
  args: Arguments,
  url: string,
  config: Config,
  terminal: Terminal,
): Promise<() => Promise<void>> {
  const patterns = listOption(args, "tail") ?? [];
  if (patterns.length === 0) return () => Promise.resolve();
  const { createOtlpClient } = await import("../adapters/otlp-client.ts");
  const { startFollowing } = await import("./tail.ts");
  const client = createOtlpClient({
    endpoint: () => Promise.resolve(url),
    apiKey: config.apiKey,
    clock: systemClock,
  });
  const { stateDir } = config;
  const stop = await startFollowing({
    ...{ patterns, client, stateDir, terminal },
    ...{ service: undefined, fromStart: false },
  });
  return async () => {
    await stop();
    await client.close(CLOSE_MS);
  };
}

const CLOSE_MS = 2_000;
