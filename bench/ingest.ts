import { type ChildProcess, fork } from "node:child_process";
import { SPANS_PER_REQUEST } from "./ingest-batch.ts";
import type { SendOrder, Wire } from "./ingest-client.ts";
import { type BenchRow, median } from "./row.ts";

/** What is compared: a wire, the server measured, and the bare one that sets the scale. */
interface Comparison {
  readonly wire: Wire;
  readonly bare: string;
}

const COMPARISONS: readonly Comparison[] = [
  { wire: "protobuf", bare: "bare-http" },
  { wire: "protobuf-gzip", bare: "bare-http" },
  //{ wire: "json", bare: "bare-http" },
  { wire: "grpc", bare: "bare-grpc" },
  { wire: "grpc-gzip", bare: "bare-grpc" },
];

export async function benchIngest(size: "small" | "full"): Promise<BenchRow[]> {
  const rounds = size === "small" ? 1 : 9;
  const requests = size === "small" ? 4 : 400;
  const children: ChildProcess[] = [];
  const child = async (
    file: string,
    ...args: string[]
  ): Promise<{ process: ChildProcess; hello: Record<string, number> }> => {
    const process = fork(new URL(file, import.meta.url), args, { execArgv: [] });
    children.push(process);
    return { process, hello: await message(process) };
  };
  try {
    const client = await child("./ingest-client.ts");
    const names = ["bare-http", "bare-grpc", "scan"];
    const servers = Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await child("./ingest-server.ts", name)] as const)),
    );
    const measure = async (wire: Wire, name: string, count: number): Promise<number> => {
      const server = servers[name]!;
      const before = await cpuUs(server.process);
      const order: SendOrder = { wire, port: server.hello.port!, requests: count };
      const sent = message(client.process);
      client.process.send(order);
      await sent;
      return (((await cpuUs(server.process)) - before) * 1000) / (count * SPANS_PER_REQUEST);
    };
    const samples = new Map<string, number[]>();
    for (let round = -1; round < rounds; round++) {
      for (const { wire, bare } of COMPARISONS) {
        for (const name of [bare, "scan"]) {
          const ns = await measure(wire, name, requests);
          if (round >= 0) samples.set(`${wire} ${name}`, [...(samples.get(`${wire} ${name}`) ?? []), ns]);
        }
      }
    }
    return COMPARISONS.flatMap(({ wire, bare }) => {
      const ours = median(samples.get(`${wire} scan`)!);
      const base = median(samples.get(`${wire} ${bare}`)!);
      return [
        { area: "ingest", name: `${wire}`, value: ours, unit: "ns/span", baseline: bare, ratio: ours / base },
        { area: "ingest", name: `${wire} above bare`, value: ours - base, unit: "ns/span" },
      ];
    });
  } finally {
    for (const each of children) each.disconnect();
  }
}

async function cpuUs(server: ChildProcess): Promise<number> {
  const answer = message(server);
  server.send("cpu");
  return (await answer).cpuUs!;
}

function message(child: ChildProcess): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    child.once("message", (value) => resolve(value as Record<string, number>));
    child.once("exit", (code) => reject(new Error(`a benchmark process ended with ${code}`)));
  });
}
