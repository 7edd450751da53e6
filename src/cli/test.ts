import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";
import { commandEnvironment } from "../adapters/command-environment.ts";
import { openCommandSpan } from "../adapters/command-span.ts";
import { exitCodeOf } from "../adapters/process.ts";
import { projectName } from "../adapters/project-name.ts";
import { daemonAddress } from "../adapters/test-runs/daemon-address.ts";
import { type EventFile, followEventFile } from "../adapters/test-runs/event-file.ts";
import { EVENTS_VARIABLE } from "../adapters/test-runs/event-writer.ts";
import { type FoundRunner, findRunner } from "../adapters/test-runs/find-runner.ts";
import { readGoTest } from "../adapters/test-runs/go-test.ts";
import { coverageAttributes } from "../adapters/test-runs/run-facts.ts";
import { planRunner, type RunnerPlan } from "../adapters/test-runs/runner-plan.ts";
import type { TestEvent } from "../adapters/test-runs/test-event.ts";
import { RUN_ID_VARIABLE } from "../adapters/test-runs/test-ids.ts";
import { vcsAttributes } from "../adapters/vcs-attributes.ts";
import { GasolineError } from "../model/errors.ts";
import { systemClock } from "../model/time.ts";
import { type Command, type Terminal, textOption } from "./command.ts";
import { daemonPlace } from "./daemon.ts";
import { forwardSignals } from "./forward-signals.ts";

/** `gasoline test -- CMD`: a test run as traces, one a test, with its output and exit code as ever. */
export const test: Command = {
  name: "test",
  summary:
    "run tests with each test as a trace: vitest, jest, mocha, playwright, node --test, pytest, go test",
  usage: "-- CMD [ARG …]",
  options: { service: { type: "string" }, endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const command = args.positionals;
    if (command.length === 0) {
      throw new GasolineError("bad_parameter", "test needs a command.", "Write `gasoline test -- npm test`.");
    }
    const cwd = process.cwd();
    const runner = findRunner(command, cwd);
    if (runner === undefined) {
      throw new GasolineError(
        "bad_parameter",
        `No test runner is known in \`${command.join(" ")}\`.`,
        "Known are vitest, jest, mocha, playwright test, node --test, pytest and go test, also through npx and the scripts of package.json. Others can write JUnit XML or TAP for `gasoline import`.",
      );
    }
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const endpoint = daemonAddress(place.endpoint, place.stateDir);
    const service = textOption(args, "service") ?? terminal.env.OTEL_SERVICE_NAME ?? projectName(cwd);
    const span = openCommandSpan(terminal.env.TRACEPARENT);
    const target = { endpoint, apiKey: place.apiKey, service, traceparent: span.traceparent, colours: false };
    const runId = randomUUID();
    const plan = planRunner({ command, runner, cwd, env: commandEnvironment(terminal.env, target) });
    terminal.stderr.write(`gasoline: ${plan.note}.\n`);

    // The runner starts at once. What it tells waits until the client is loaded, which takes longer than all before.
    const waiting: TestEvent[] = [];
    let accept = (event: TestEvent): void => void waiting.push(event);
    const events = followEventFile((event) => accept(event));
    const startMs = systemClock.nowMs();
    const ended = runCommand({ plan, runner, runId, events, terminal, onEvent: (event) => accept(event) });
    // Whatever is left to do is done where the tests leave a core free: half of what a run takes longer was this.
    setPriority(constants.priority.PRIORITY_LOW);
    const vcs = vcsAttributes(cwd);
    const { adapterClient, closeClient } = await import("./adapter-client.ts");
    const { countsSentence, recordTestRun } = await import("../adapters/test-runs/run-recorder.ts");
    const { client } = await adapterClient(args, terminal);
    const recorder = recordTestRun({
      source: client.source({ "service.name": service }),
      ...{ runId, span, startMs },
      attributes: {
        "test.suite.name": service,
        "process.command_args": [...command],
        "process.working_directory": cwd,
        ...(await vcs),
      },
    });
    for (const event of waiting) recorder.accept(event);
    accept = recorder.accept;

    const { exitCode, stopped } = await ended.finally(() => events.close());
    const counts = recorder.end({
      timeMs: systemClock.nowMs(),
      failed: exitCode !== 0,
      aborted: stopped || exitCode > 128,
      attributes: { "process.exit.code": exitCode, ...coverageAttributes(cwd, startMs) },
    });
    await closeClient(client, terminal);
    terminal.stderr.write(`gasoline: ${countsSentence(counts)}; \`gasoline observe tests\` tells of each.\n`);
    return exitCode;
  },
};

interface TestProcess {
  readonly plan: RunnerPlan;
  readonly runner: FoundRunner;
  readonly runId: string;
  readonly events: EventFile;
  readonly terminal: Terminal;
  readonly onEvent: (event: TestEvent) => void;
}

/** Runs the command to its end. It keeps the terminal, but for the output of `go test`, which is read. */
async function runCommand(run: TestProcess): Promise<{ exitCode: number; stopped: boolean }> {
  const { plan } = run;
  const signals = forwardSignals();
  const env = { ...plan.env, [EVENTS_VARIABLE]: run.events.path, [RUN_ID_VARIABLE]: run.runId };
  const child = spawn(plan.command[0]!, plan.command.slice(1), {
    env,
    stdio: ["inherit", plan.goJson ? "pipe" : "inherit", "inherit"],
  });
  signals.add(child);
  try {
    const [exit] = await Promise.all([ended(child), plan.goJson ? readGoOutput(child, run) : undefined]);
    return {
      exitCode: exit.error === undefined ? exitCodeOf(exit) : cannotStart(run, exit.error),
      stopped: signals.stopped(),
    };
  } finally {
    signals.stop();
  }
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: NodeJS.ErrnoException | undefined;
}

function ended(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("close", (code, signal) => resolve({ code, signal, error: undefined }));
  });
}

/** As a shell says it: 127 when there is no such program, 126 when it cannot be run. */
function cannotStart({ plan, terminal }: TestProcess, error: NodeJS.ErrnoException): number {
  terminal.stderr.write(`gasoline: ${plan.command[0]} could not be started: ${error.message}.\n`);
  return error.code === "ENOENT" ? 127 : 126;
}

async function readGoOutput(child: ChildProcess, { runner, terminal, onEvent }: TestProcess): Promise<void> {
  const asks = (...flags: string[]): boolean => runner.words.some((word) => flags.includes(word));
  const reader = readGoTest({
    onEvent,
    print: (text) => void terminal.stdout.write(text),
    mode: asks("-json", "--json") ? "json" : asks("-v", "--v", "-v=true", "-test.v") ? "verbose" : "summary",
  });
  for await (const line of createInterface({ input: child.stdout! })) reader.line(line);
  reader.end();
}
