import { systemClock } from "../../model/time.ts";
import { openCommandSpan } from "../command-span.ts";
import { createOtlpClient } from "../otlp-client.ts";
import { projectName } from "../project-name.ts";
import { vcsAttributes } from "../vcs-attributes.ts";
import { daemonAddress } from "./daemon-address.ts";
import type { TestEvents } from "./event-writer.ts";
import { coverageAttributes } from "./run-facts.ts";
import { recordTestRun } from "./run-recorder.ts";

const FLUSH_MS = 2_000;

/**
 * A run recorded by the process of the runner itself, for a reporter that stands in the runner's configuration. The
 * daemon is the one of GASOLINE_ENDPOINT, of the state folder, or on the usual port; when there is none, nothing
 * comes of it.
 */
export async function openDirectRun(runId: string): Promise<TestEvents> {
  const { env } = process;
  const cwd = process.cwd();
  const startMs = systemClock.nowMs();
  const client = createOtlpClient({
    endpoint: () => Promise.resolve(daemonAddress(env.GASOLINE_ENDPOINT, env.GASOLINE_STATE_DIR)),
    apiKey: env.GASOLINE_API_KEY ?? "",
    clock: systemClock,
  });
  const recorder = recordTestRun({
    source: client.source({
      "service.name": env.OTEL_SERVICE_NAME ?? projectName(cwd),
      "process.pid": process.pid,
    }),
    runId,
    span: openCommandSpan(env.TRACEPARENT),
    startMs,
    attributes: { "process.command_args": process.argv, ...(await vcsAttributes(cwd)) },
  });
  return {
    write: recorder.accept,
    end: async (failed) => {
      const attributes = coverageAttributes(cwd, startMs);
      recorder.end({ timeMs: systemClock.nowMs(), failed, aborted: false, attributes });
      await client.close(FLUSH_MS);
    },
  };
}
