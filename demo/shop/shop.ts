import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type DeployableService,
  FAULT_NAMES,
  type FaultName,
  faultOf,
  SERVICES,
  type ServiceName,
} from "./faults.ts";

/** A program of the shop that runs. */
export interface RunningService {
  readonly name: ServiceName;
  readonly version: string;
  readonly url: string;
  readonly pid: number;
}

/** The shop, open. */
export interface Shop {
  /** The storefront: the page and its API. */
  readonly url: string;
  /** What runs now; `deploy` replaces entries. */
  services(): readonly RunningService[];
  /** Switches a fault on or off everywhere it belongs; resolves when it is in effect. */
  setFault(name: FaultName, on: boolean): Promise<void>;
  /** Starts `version` of a service, moves the others over to it, then ends the old one. The storefront stays. */
  deploy(name: DeployableService, version: string): Promise<void>;
  /** Resolves when the queue is empty, no request is open and every service has exported what it recorded. */
  flush(): Promise<void>;
  /** Exports what is left, and ends all processes. */
  close(): Promise<void>;
}

export interface ShopOptions {
  /** Where OTLP over HTTP is received, e.g. `http://localhost:7890`. */
  readonly endpoint: string;
  /** On from the start. */
  readonly faults?: readonly FaultName[];
  /** Sent with every export, e.g. `{ "x-api-key": "…" }`. */
  readonly headers?: { readonly [name: string]: string };
}

const VERSION = "1.4.2";

interface Program extends RunningService {
  readonly child: ChildProcess;
  /** Further addresses that the program serves, by name. */
  readonly also: { readonly [name: string]: string };
}

/**
 * Opens the shop: seven Node processes on free ports, started at once, which learn of each other when all have
 * reported their port. They live as long as their channel to this process, so none is left behind, however this
 * process ends. Throws when a service does not start.
 */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const programs = new Map<ServiceName, Program>();
  const started = await Promise.allSettled(
    SERVICES.map(async (name) => {
      programs.set(name, await startProgram(name, versionAtStart(name, options.faults ?? []), options));
    }),
  );
  const close = async (): Promise<void> => {
    // What the others lean on goes last.
    const all = [...programs.values()];
    await Promise.all(all.filter(({ name }) => name !== "outside").map(stopProgram));
    await Promise.all(all.map(stopProgram));
  };
  for (const outcome of started) {
    if (outcome.status === "fulfilled") continue;
    await close();
    throw outcome.reason;
  }
  const tellAll = async (
    path: string,
    body: object,
    names: readonly ServiceName[] = SERVICES,
  ): Promise<void> => {
    await Promise.all(names.map((name) => tell(programs.get(name)!, path, body)));
  };
  await tellAll("/admin/peers", addresses(programs));

  const deploy: Shop["deploy"] = async (name, version) => {
    const old = programs.get(name)!;
    programs.set(name, await startProgram(name, version, options));
    await tellAll("/admin/peers", addresses(programs));
    await tell(old, "/admin/flush", {});
    await stopProgram(old);
  };

  return {
    url: programs.get("storefront")!.url,
    services: () =>
      [...programs.values()].map(({ name, version, url, pid }) => ({ name, version, url, pid })),
    deploy,
    setFault: async (name, on) => {
      const { cause } = faultOf(name);
      if (cause.kind === "switch") await tellAll("/admin/faults", { name, on }, cause.services);
      else await deploy(cause.service, on ? cause.version : VERSION);
    },
    flush: async () => {
      await fetch(`${programs.get("outside")!.also.broker}/queues/orders.placed/empty`);
      await tellAll("/admin/flush", {});
    },
    close,
  };
}

function versionAtStart(service: ServiceName, faults: readonly FaultName[]): string {
  for (const { cause } of faults.map(faultOf)) {
    if (cause.kind === "deploy" && cause.service === service) return cause.version;
  }
  return VERSION;
}

async function startProgram(name: ServiceName, version: string, options: ShopOptions): Promise<Program> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const child = fork(new URL(`./services/${name}.${extension}`, import.meta.url), {
    env: environment(name, version, options),
    // Not the parent's: a test runner's loaders and an inspector's port are no business of the shop.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const gone = new AbortController();
  child.once("exit", () => gone.abort());
  try {
    const [ready] = (await once(child, "message", { signal: gone.signal })) as [
      { url: string; also?: object },
    ];
    return { name, version, url: ready.url, pid: child.pid!, child, also: { ...ready.also } };
  } catch {
    throw new Error(`${name} of the demo shop ended with code ${child.exitCode} before it was ready`);
  }
}

/** OpenTelemetry's own variables, as any user would set them, and three of the shop's. */
function environment(name: ServiceName, version: string, options: ShopOptions): NodeJS.ProcessEnv {
  const faults = FAULT_NAMES.filter((fault) => options.faults?.includes(fault) && switchedIn(fault, name));
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("OTEL_"))),
    // Compiling the SDK is most of the start: kept between runs.
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), "node-compile-cache"),
    OTEL_EXPORTER_OTLP_ENDPOINT: options.endpoint,
    OTEL_EXPORTER_OTLP_HEADERS: Object.entries(options.headers ?? {})
      .map(([header, value]) => `${header}=${encodeURIComponent(value)}`)
      .join(","),
    OTEL_SERVICE_NAME: name,
    OTEL_RESOURCE_ATTRIBUTES: `service.version=${version},service.namespace=shop,deployment.environment.name=demo`,
    OTEL_BSP_SCHEDULE_DELAY: "500",
    OTEL_BLRP_SCHEDULE_DELAY: "500",
    OTEL_METRIC_EXPORT_INTERVAL: "10000",
    OTEL_METRIC_EXPORT_TIMEOUT: "5000",
    SHOP_VERSION: version,
    SHOP_FAULTS: faults.join(","),
  };
}

function switchedIn(fault: FaultName, service: ServiceName): boolean {
  const { cause } = faultOf(fault);
  return cause.kind === "switch" && cause.services.includes(service);
}

/** Addresses by the names that services call each other. */
function addresses(programs: ReadonlyMap<ServiceName, Program>): { [name: string]: string } {
  const outside = programs.get("outside")!;
  const own = [...programs.values()].map(({ name, url }) => [name, url]);
  return { ...Object.fromEntries(own), ...outside.also, "bank.example": outside.url };
}

async function tell(program: Program, path: string, body: object): Promise<void> {
  const response = await fetch(program.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${program.name} of the demo shop refused ${path}: ${await response.text()}`);
}

const KILL_AFTER_MS = 3_000;

/** Lets go of a process, which then exports what it has and ends; one that does not is killed. */
async function stopProgram({ child }: Program): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(timer);
}
