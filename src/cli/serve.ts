import { loadConfig } from "../load-config.ts";
import { type Gasoline, startGasoline } from "../main.ts";
import { systemClock } from "../model/time.ts";
import { VERSION } from "../version.ts";
import { type Command, flagOption, listOption, type Terminal, textOption } from "./command.ts";
import { removeDaemonFile, writeDaemonFile } from "./daemon.ts";
import { ADAPTER_OPTIONAL_VALUES, ADAPTER_OPTIONS, adapterFlags, startAdapters } from "./serve-adapters.ts";

/** `gasoline serve`: everything on one port, until stopped. */
export const serve: Command = {
  name: "serve",
  summary: "start the collector on one port (the default command)",
  usage: "",
  options: {
    port: { type: "string" },
    host: { type: "string" },
    aliases: { type: "boolean", default: true },
    "allow-host": { type: "string", multiple: true },
    memory: { type: "string" },
    "state-dir": { type: "string" },
    workspace: { type: "string" },
    "allow-edits": { type: "boolean" },
    "idle-exit": { type: "string" },
    ...ADAPTER_OPTIONS,
  },
  optionalValues: ADAPTER_OPTIONAL_VALUES,
  run: async (args, terminal) => {
    const config = loadConfig(
      {
        port: textOption(args, "port"),
        host: textOption(args, "host"),
        aliases: flagOption(args, "aliases") === false ? false : undefined,
        allowHosts: listOption(args, "allow-host"),
        memory: textOption(args, "memory"),
        stateDir: textOption(args, "state-dir"),
        ...adapterFlags(args),
        workspace: textOption(args, "workspace"),
        allowEdits: flagOption(args, "allow-edits"),
      },
      terminal.env,
    );
    const gasoline = await startGasoline(config, (message) => terminal.stderr.write(`${message}\n`));
    writeDaemonFile(config.stateDir, { url: gasoline.url, pid: process.pid, version: VERSION });
    const stopAdapters = await startAdapters(gasoline.url, config, terminal);
    terminal.stdout.write(welcome(gasoline, config.apiKey !== ""));
    await untilStopped(gasoline, terminal, idleLimitMs(textOption(args, "idle-exit")));
    await stopAdapters();
    removeDaemonFile(config.stateDir, process.pid);
    await gasoline.close();
    return 0;
  },
};

function idleLimitMs(minutes: string | undefined): number {
  return minutes === undefined ? Number.POSITIVE_INFINITY : Number(minutes) * 60_000;
}

/** Resolves when the user stops us, or when nothing has come in for the idle limit. */
async function untilStopped(gasoline: Gasoline, terminal: Terminal, idleMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const check = setInterval(() => {
      if (systemClock.nowMs() - gasoline.lastActiveMs() >= idleMs) finish();
    }, 10_000);
    const finish = (): void => {
      clearInterval(check);
      resolve();
    };
    if (terminal.stop.aborted) finish();
    terminal.stop.addEventListener("abort", finish, { once: true });
  });
}

/** The one screen that says what is running and what to do with it. */
function welcome(gasoline: Gasoline, keyed: boolean): string {
  const { url, receiver } = gasoline;
  const others = receiver.endpoints.map((endpoint) => endpoint.port).filter((port) => port !== receiver.port);
  const aliases = others.length === 0 ? "" : ` (also on ${[...new Set(others)].join(", ")})`;
  const key = keyed ? ` -H "x-api-key: $GASOLINE_API_KEY"` : "";
  return `Gasoline 360 ${VERSION} is listening on ${url}${aliases}

  send    OTEL_EXPORTER_OTLP_ENDPOINT=${url}   any OpenTelemetry SDK, gRPC or HTTP
  try     npx gasoline demo                    a small shop that sends real traces
  look    ${url}/
  ask     npx gasoline connect claude          or any other MCP client at ${url}/mcp
  check   npx gasoline doctor

  One span by hand:
  curl ${url}/v1/traces${key} -H 'content-type: application/json' -d '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"hello"}}]},"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"first span","kind":2,"startTimeUnixNano":"${BigInt(systemClock.nowMs()) * 1_000_000n}","endTimeUnixNano":"${BigInt(systemClock.nowMs() + 25) * 1_000_000n}"}]}]}]}'
  npx gasoline show 5b8efff7

  Ctrl-C stops it. Everything is kept in memory only and is gone with the process.
`;
}
