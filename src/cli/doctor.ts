import { connect } from "node:net";
import { GasolineError } from "../model/errors.ts";
import { clean } from "../query/render/clean.ts";
import type { Row } from "../query/shapes.ts";
import { VERSION } from "../version.ts";
import { type Command, textOption } from "./command.ts";
import { askDaemon, daemonPlace, findDaemon } from "./daemon.ts";

/** One thing looked at: `ok`, or what is wrong and what to do. */
interface Check {
  readonly state: "ok" | "note" | "wrong";
  readonly text: string;
}

/** `gasoline doctor`: what runs where, what arrived, what was refused, and where the environment points. */
export const doctor: Command = {
  name: "doctor",
  summary: "say what runs, what has arrived, what was refused and why; exit code 1 when something is wrong",
  usage: "",
  options: { json: { type: "boolean" }, endpoint: { type: "string" }, "state-dir": { type: "string" } },
  run: async (args, terminal) => {
    const place = daemonPlace(
      { endpoint: textOption(args, "endpoint"), stateDir: textOption(args, "state-dir") },
      terminal.env,
    );
    const checks: Check[] = [{ state: "ok", text: `gasoline ${VERSION} on Node ${process.version}` }];
    let url: string | undefined;
    try {
      url = await findDaemon(place);
    } catch (error) {
      if (!(error instanceof GasolineError)) throw error;
      checks.push({ state: "wrong", text: error.message });
    }
    if (url !== undefined) {
      checks.push({ state: "ok", text: `running at ${url}` });
      checks.push(await checkVersion(url));
      checks.push(...(await checkCounts(url, place.apiKey)));
      checks.push(await checkGrpc(url));
      checks.push(...(await checkBrowser(url, place.apiKey)));
      checks.push(checkEnvironment(terminal.env, url));
    } else if (checks.length === 1) {
      checks.push({
        state: "wrong",
        text: "no gasoline is running. Start one with `gasoline`, in a checkout `npm start`.",
      });
    }
    const wrong = checks.some((check) => check.state === "wrong");
    terminal.stdout.write(
      args.values.json === true
        ? `${JSON.stringify({ healthy: !wrong, url: url ?? null, checks }, null, 2)}\n`
        : `${checks.map((check) => `${MARKS[check.state]} ${check.text}`).join("\n")}\n`,
    );
    return wrong ? 1 : 0;
  },
};

const MARKS = { ok: "ok   ", note: "note ", wrong: "WRONG" } as const;

async function checkVersion(url: string): Promise<Check> {
  const { version } = (await (await fetch(`${url}/healthz`)).json()) as { version?: string };
  if (version === VERSION) return { state: "ok", text: "it is of this version" };
  return { state: "note", text: `it is version ${version}, this is ${VERSION}: restart it to use this one.` };
}

/** What was received, refused and lost, from the daemon's own counters. */
async function checkCounts(url: string, apiKey: string): Promise<readonly Check[]> {
  const response = await fetch(`${url}/metrics`, { headers: apiKey === "" ? {} : { "x-api-key": apiKey } });
  if (!response.ok)
    return [
      {
        state: "wrong",
        text: `it answers ${response.status} to /metrics; is GASOLINE_API_KEY set here as it is there?`,
      },
    ];
  const samples = parseSamples(await response.text());
  const of = (metric: string, label: string): Map<string, number> =>
    samplesOf(samples, `gasoline_${metric}`, label);
  const checks: Check[] = [];

  const accepted = [...of("receiver_records_accepted_total", "signal")].filter(([, count]) => count > 0);
  checks.push(
    accepted.length > 0
      ? {
          state: "ok",
          text: `received: ${accepted.map(([signal, count]) => `${count} of ${signal}`).join(", ")}`,
        }
      : {
          state: "note",
          text: `nothing has been received yet. Set OTEL_EXPORTER_OTLP_ENDPOINT=${url} where your service starts, or try \`gasoline demo\`.`,
        },
  );
  const troubles: readonly (readonly [metric: string, label: string, words: string, remedy: string])[] = [
    [
      "receiver_requests_refused_total",
      "code",
      "requests refused",
      "the client got a sentence with the remedy; look into its log.",
    ],
    [
      "receiver_records_rejected_total",
      "signal",
      "records rejected for bad ids",
      "ids are raw bytes in protobuf and hex in JSON.",
    ],
    [
      "receiver_records_dropped_total",
      "signal",
      "records that could not be kept",
      "they are too large; start with more --memory.",
    ],
    [
      "store_records_evicted_total",
      "stream",
      "records made way for newer ones",
      "start with more --memory to look further back.",
    ],
  ];
  for (const [metric, label, words, remedy] of troubles) {
    const counts = [...of(metric, label)].filter(([, count]) => count > 0);
    if (counts.length === 0) continue;
    checks.push({
      state: "note",
      text: `${words}: ${counts.map(([name, count]) => `${count} ${name}`).join(", ")}: ${remedy}`,
    });
  }
  return checks;
}

/** The browser's side, as `configure doctor` has it. A daemon that refuses to answer has been told of already. */
async function checkBrowser(url: string, apiKey: string): Promise<readonly Check[]> {
  const answer = await askDaemon(url, "/api/configure", apiKey, { action: "doctor" }).catch(() => ({}));
  const { rows = [] } = answer as { readonly rows?: readonly Row[] };
  return rows
    .filter(({ check }) => String(check).startsWith("browser"))
    .map(({ state, check, ...said }) => ({
      state: state as Check["state"],
      text: clean(`${check}: ${wordsOf(said)}`, BROWSER_CHARS_MAX),
    }));
}

const BROWSER_CHARS_MAX = 400;

/** A sentence and its remedy stand for themselves, facts have their name before them. */
function wordsOf({ problem, remedy, ...facts }: Row): string {
  if (problem !== undefined) return `${problem}${remedy === undefined ? "" : ` ${remedy}`}`;
  return Object.entries(facts)
    .filter(([, fact]) => fact !== undefined)
    .map(([name, fact]) => `${name.replaceAll("_", " ")} ${fact}`)
    .join(", ");
}

/** Whether the same port speaks HTTP/2, which gRPC needs: a proxy or container mapping in between may not. */
async function checkGrpc(url: string): Promise<Check> {
  const { hostname, port } = new URL(url);
  const speaks = await new Promise<boolean>((resolve) => {
    const socket = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ""));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    // The connection preface and an empty SETTINGS frame (RFC 9113, 3.4); the answer begins with SETTINGS, type 4.
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
    socket.once("data", (data) => {
      resolve(data[3] === 4);
      socket.destroy();
    });
  });
  return speaks
    ? { state: "ok", text: "gRPC and HTTP are both answered on that port" }
    : {
        state: "wrong",
        text: "HTTP/2 is not answered there, so gRPC exporters will fail; what stands between here and the daemon must pass raw TCP.",
      };
}

function checkEnvironment(env: { readonly [name: string]: string | undefined }, url: string): Check {
  const endpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || endpoint === "") {
    return {
      state: "note",
      text: `OTEL_EXPORTER_OTLP_ENDPOINT is not set in this shell; SDKs started here use 4317 or 4318.`,
    };
  }
  const same = URL.canParse(endpoint) && portOf(endpoint) === portOf(url);
  return same
    ? { state: "ok", text: `OTEL_EXPORTER_OTLP_ENDPOINT points here (${endpoint})` }
    : {
        state: "wrong",
        text: `OTEL_EXPORTER_OTLP_ENDPOINT is ${endpoint}, which is not ${url}: services started here send elsewhere.`,
      };
}

function portOf(url: string): string {
  const { port, protocol } = new URL(url);
  return port || (protocol === "https:" ? "443" : "80");
}

interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

function parseSamples(text: string): readonly Sample[] {
  return [...text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name, labels, value]) => ({
    name: name!,
    labels: labels ?? "",
    value: Number(value),
  }));
}

function samplesOf(samples: readonly Sample[], name: string, label: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const key = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(sample.labels)?.[1] ?? "";
    counts.set(key, (counts.get(key) ?? 0) + sample.value);
  }
  return counts;
}
