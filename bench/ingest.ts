import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { SPANS_PER_REQUEST } from "./ingest-batch.ts";
import type { SendOrder, Wire } from "./ingest-client.ts";
import type { Question } from "./ingest-server.ts";
import { type BenchRow, median } from "./row.ts";

/** One way in, with the bare server that the same bodies are sent to in the same round. */
interface Comparison {
  readonly wire: Wire;
  readonly bare: "bare-http" | "bare-grpc";
  readonly target?: string;
  readonly aboveTarget?: string;
}

const COMPARISONS: readonly Comparison[] = [
  { wire: "protobuf", bare: "bare-http", target: "≤ 1,000 ns/span", aboveTarget: "≤ 450 ns/span, aim 250" },
  { wire: "protobuf-gzip", bare: "bare-http" },
  { wire: "json", bare: "bare-http", target: "≤ 8,333 ns/span" },
  { wire: "grpc", bare: "bare-grpc", target: "≤ 1 × bare grpc-js" },
  { wire: "grpc-gzip", bare: "bare-grpc" },
];

const STEADY_SPANS_PER_SECOND = 100_000;
const NS_PER_US = 1_000;

/**
 * Server CPU per span for each wire, against a bare server that only collects the same bodies; then a steady load
 * with its garbage collection pauses, and how soon an accepted span is found. Servers and client have a process
 * each. Rounds are interleaved and medians taken, since other work on the machine comes and goes.
 */
export async function benchIngest(size: "small" | "full"): Promise<BenchRow[]> {
  const { rounds, requests, steadySeconds } =
    size === "small"
      ? { rounds: 1, requests: 8, steadySeconds: 0.2 }
      : { rounds: 9, requests: 300, steadySeconds: 3 };
  const children = await startChildren();
  try {
    const samples = new Map<string, number[]>();
    // The first round warms all processes up and fills the rings, so that every later one evicts as it stores.
    for (let round = -1; round < rounds; round++) {
      for (const { wire, bare } of COMPARISONS) {
        for (const server of [bare, "gasoline"] as const) {
          const nsPerSpan = await measure(children, wire, server, requests);
          const key = `${wire} ${server}`;
          if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), nsPerSpan]);
        }
      }
    }
    return [
      ...COMPARISONS.flatMap((comparison) => compare(comparison, samples)),
      ...(await measureSteady(children, rounds, steadySeconds)),
    ];
  } finally {
    for (const child of Object.values(children)) child.process.disconnect();
  }
}

interface Child {
  readonly process: ChildProcess;
  /** 0 for the client. */
  readonly port: number;
}

type Children = Readonly<Record<"client" | "bare-http" | "bare-grpc" | "gasoline", Child>>;

async function startChildren(): Promise<Children> {
  const start = async (file: string, name = ""): Promise<Child> => {
    const child = fork(new URL(file, import.meta.url), [name], { execArgv: [] });
    child.once("exit", (code) => {
      if (code !== 0) child.emit("error", new Error(`${file} ${name} ended with ${code}`));
    });
    const hello = await nextMessage(child);
    return { process: child, port: hello.port ?? 0 };
  };
  return {
    client: await start("./ingest-client.ts"),
    "bare-http": await start("./ingest-server.ts", "bare-http"),
    "bare-grpc": await start("./ingest-server.ts", "bare-grpc"),
    gasoline: await start("./ingest-server.ts", "gasoline"),
  };
}

/** Nanoseconds of a server's CPU per span, over `requests` requests. */
async function measure(
  children: Children,
  wire: Wire,
  server: keyof Children,
  requests: number,
): Promise<number> {
  const { process, port } = children[server];
  const before = await ask(process, "cpu");
  await send(children, { wire, port, requests });
  const after = await ask(process, "cpu");
  return ((after.cpuUs! - before.cpuUs!) * NS_PER_US) / (requests * SPANS_PER_REQUEST);
}

function compare(
  { wire, bare, target, aboveTarget }: Comparison,
  samples: ReadonlyMap<string, number[]>,
): BenchRow[] {
  const ours = samples.get(`${wire} gasoline`)!;
  const base = samples.get(`${wire} ${bare}`)!;
  const area = "ingest";
  const unit = "ns/span";
  const value = median(ours);
  const above = median(ours.map((ns, round) => ns - base[round]!));
  const baseline = `${bare} (${Math.round(median(base))})`;
  const ratio = median(ours.map((ns, round) => ns / base[round]!));
  return [
    {
      area,
      name: `${wire}, server CPU`,
      value,
      unit,
      baseline,
      ratio,
      ...(target === undefined ? {} : { target }),
    },
    {
      area,
      name: `${wire}, above ${bare}`,
      value: above,
      unit,
      ...(aboveTarget === undefined ? {} : { target: aboveTarget }),
    },
    { area, name: `${wire}, throughput a core`, value: 1e9 / value, unit: "spans/s" },
  ];
}

/** A load of 100 k spans/s, as many rounds as above; in every other one, exports are watched for. */
async function measureSteady(children: Children, rounds: number, seconds: number): Promise<BenchRow[]> {
  const { process, port } = children.gasoline;
  const perSecond = STEADY_SPANS_PER_SECOND / SPANS_PER_REQUEST;
  const order: SendOrder = { wire: "protobuf", port, perSecond, requests: Math.ceil(perSecond * seconds) };
  const gcMaxMs: number[] = [];
  const gcPercent: number[] = [];
  const cpuPercent: number[] = [];
  const visibleMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await ask(process, "gc");
    const before = await ask(process, "cpu");
    const { sentInMs } = await send(children, order);
    const after = await ask(process, "cpu");
    const gc = await ask(process, "gc");
    gcMaxMs.push(gc.maxMs!);
    gcPercent.push((100 * gc.totalMs!) / sentInMs!);
    cpuPercent.push((100 * (after.cpuUs! - before.cpuUs!)) / (NS_PER_US * sentInMs!));
    const sent = send(children, order);
    visibleMs.push((await ask(process, "visible")).p99Ms!);
    await sent;
  }
  const row = (name: string, values: readonly number[], unit: string, target?: string): BenchRow => ({
    area: "ingest",
    name: `${name}, at 100 k spans/s`,
    value: median(values),
    unit,
    ...(target === undefined ? {} : { target }),
  });
  return [
    row("visible after accept, p99", visibleMs, "ms", "< 5 ms"),
    row(`GC pause, longest in ${seconds} s`, gcMaxMs, "ms", "< 6 ms"),
    row("GC share of time", gcPercent, "%", "< 1 %"),
    row("server CPU", cpuPercent, "% of a core"),
  ];
}

async function send({ client }: Children, order: SendOrder): Promise<Record<string, number>> {
  const sent = nextMessage(client.process);
  client.process.send(order);
  return sent;
}

async function ask(server: ChildProcess, question: Question): Promise<Record<string, number>> {
  const answer = nextMessage(server);
  server.send(question);
  return answer;
}

/** A child's next message. A child that fails makes this fail ("error"). */
async function nextMessage(child: ChildProcess): Promise<Record<string, number>> {
  const [message] = await once(child, "message");
  return message;
}
