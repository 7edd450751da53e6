import { FAULT_NAMES, type FaultName } from "../../demo/shop/faults.ts";
import { type Shop, startShop } from "../../demo/shop/shop.ts";
import { driveTraffic, type Step } from "../../demo/shop/traffic.ts";
import { GasolineError } from "../model/errors.ts";
import { type Command, flagOption, listOption, textOption } from "./command.ts";
import { daemonPlace, findOrStartDaemon } from "./daemon.ts";

/** `gasoline demo`: real traces within seconds, from a small shop. */
export const demo: Command = {
  name: "demo",
  summary: "run a small shop that sends real traces, one failing and one slow among them",
  usage: "",
  options: {
    keep: { type: "boolean" },
    fault: { type: "string", multiple: true },
    endpoint: { type: "string" },
    "state-dir": { type: "string" },
  },
  run: async (args, terminal) => {
    const faults = (listOption(args, "fault") ?? []).map(faultName);
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    return await runDemo({
      endpoint: await findOrStartDaemon(place, terminal.stop),
      out: terminal.stdout,
      keep: flagOption(args, "keep") === true || faults.length > 0,
      faults,
      stop: terminal.stop,
      apiKey: place.apiKey,
      whereFlags: ["endpoint", "state-dir"].map((name) => flagAgain(name, textOption(args, name))).join(""),
    });
  },
};

export interface DemoOptions {
  /** A gasoline that runs, e.g. `http://localhost:7890`. */
  readonly endpoint: string;
  readonly out: NodeJS.WritableStream;
  /** Leaves the shop open until `stop`. */
  readonly keep?: boolean;
  /** Switched on once the two examples are sent, for a shop that is kept. */
  readonly faults?: readonly FaultName[];
  readonly stop?: AbortSignal;
  /** `""` when none is required. */
  readonly apiKey?: string;
  /** What the printed commands need to find the same daemon, e.g. ` --endpoint http://localhost:9000`. */
  readonly whereFlags?: string;
}

const VISITS = 10;

/**
 * Opens the demo shop against `endpoint`, sends ordinary traffic, one payment that fails and one search that is
 * slow, and prints where to look at them. Returns the exit code, 0. Throws when the shop does not open or did not
 * answer, with all of its processes ended.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const { endpoint, out, stop } = options;
  out.write("Opening a shop of six services …\n");
  const headers = options.apiKey ? { "x-api-key": options.apiKey } : {};
  const shop = await startShop({ endpoint, headers });
  try {
    const ordinary = await driveTraffic({ url: shop.url, seed: 1, visits: VISITS });
    const failing = await sendFaulty(shop, "error-deep", ["add", "add", "pay"]);
    const slow = await sendFaulty(shop, "slow-query", ["search"]);
    await shop.flush();
    out.write(examples(options, ordinary.length, failing, slow));
    if (options.keep === true) {
      for (const fault of options.faults ?? []) await shop.setFault(fault, true);
      out.write(staysOpen(shop, options.faults ?? []));
      await untilAborted(stop);
    }
  } finally {
    await shop.close();
  }
  return 0;
}

/** Takes `steps` with the fault on; returns the trace id of the last. */
async function sendFaulty(shop: Shop, fault: FaultName, steps: readonly Step[]): Promise<string> {
  await shop.setFault(fault, true);
  const sent = await driveTraffic({ url: shop.url, seed: 1, visits: 1, steps });
  await shop.setFault(fault, false);
  const traceId = sent.at(-1)?.traceId;
  if (traceId !== undefined) return traceId;
  throw new GasolineError(
    "internal",
    `The demo shop at ${shop.url} did not answer "${steps.at(-1)}".`,
    "Look at what its services print above, and run the demo again.",
  );
}

function examples(options: DemoOptions, ordinary: number, failing: string, slow: string): string {
  const { endpoint, whereFlags = "" } = options;
  const fail8 = failing.slice(0, 8);
  const slow8 = slow.slice(0, 8);
  return `
Sent ${ordinary} ordinary requests, and two to look at:

  ${fail8}  a payment that failed    npx gasoline show ${fail8}${whereFlags}
  ${slow8}  a search that was slow   npx gasoline show ${slow8}${whereFlags}

In a browser: ${endpoint}/
As JSON:      ${endpoint}/api/traces/${failing}
Your agent:   npx gasoline connect claude
              then ask it "Why did the payment in trace ${fail8} fail?" or "Why was the search in ${slow8} slow?"
`;
}

function staysOpen(shop: Shop, faults: readonly FaultName[]): string {
  const state = faults.length === 0 ? "" : ` with ${faults.join(", ")}`;
  return `
The shop stays open at ${shop.url}${state}. Buy something; every click is a trace. Ctrl-C closes it.
Faults to try: npx gasoline demo --fault NAME, with one of ${FAULT_NAMES.join(", ")}
`;
}

async function untilAborted(stop: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    if (stop?.aborted === true) return resolve();
    // Without a signal nobody can ask to stop, but the process may be ended.
    stop?.addEventListener("abort", () => resolve(), { once: true });
  });
}

function flagAgain(name: string, value: string | undefined): string {
  return value === undefined ? "" : ` --${name} ${value}`;
}

function faultName(name: string): FaultName {
  const known = FAULT_NAMES.find((fault) => fault === name);
  if (known !== undefined) return known;
  throw new GasolineError(
    "bad_parameter",
    `--fault "${name}" is not a fault of the demo shop.`,
    `It has ${FAULT_NAMES.join(", ")}.`,
  );
}
