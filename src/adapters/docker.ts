import { setTimeout as delay } from "node:timers/promises";
import type { HrTime } from "@opentelemetry/api";
import { z } from "zod";
import type { Clock } from "../model/time.ts";
import { type Container, containerOf, isNamed, ownContainerId } from "./docker-container.ts";
import { type DockerEngine, EngineError } from "./docker-engine.ts";
import { createFrameReader, createTerminalReader } from "./docker-frames.ts";
import { type ContainerLog, createContainerLog, engineTime } from "./docker-log.ts";
import { createLineSplitter } from "./line-split.ts";
import type { OtlpClient, OtlpSource } from "./otlp-client.ts";

export interface DockerOptions {
  readonly engine: DockerEngine;
  /** Names, Compose services or ids; none: every container but our own. */
  readonly names: readonly string[];
  /** Also what containers have logged before; else only what comes from now on. */
  readonly fromStart: boolean;
  readonly client: OtlpClient;
  readonly clock: Clock;
  /** Sentences for people: what is followed, and what keeps it from being. */
  readonly tell: (message: string) => void;
}

/** Follows the logs of containers, those that start later too. */
export interface DockerLogs {
  close(): Promise<void>;
}

/** Between two attempts to reach an engine, or to go on with a log that broke off. */
const AGAIN_MS = 500;
const NO_ROOM_MS = 5;
/** A container may write before the engine says that it has started. */
const START_S = 2;

const EVENT = z.object({
  Action: z.string(),
  id: z.string(),
  timeNano: z.number(),
});
const LISTED = z.array(z.object({ Id: z.string() }));
const INFO = z.object({ SystemTime: z.string() });

interface Followed {
  readonly id: string;
  readonly log: ContainerLog;
  source: OtlpSource;
  /** The log is being read. */
  reading: boolean;
  /** The container started again while the last of its log was read. */
  again: boolean;
}

/** Starts at once, and goes on until closed; an engine that is away or goes away is asked for again and again. */
export function followContainers(options: DockerOptions): DockerLogs {
  const { engine, client, clock, tell } = options;
  const stop = new AbortController();
  const followed = new Map<string, Followed>();
  const own = ownContainerId();
  let away = false;
  /** Of the last event that was seen, Unix seconds: where to go on after the engine was away. */
  let eventsSince: string | undefined;
  /** The engine's clock when it was first reached. */
  let from: HrTime | undefined;

  /** Events first, then the list, so that no start falls between them. */
  async function watch(): Promise<void> {
    const info = INFO.parse(await engine.json("/info"));
    from ??= options.fromStart
      ? [0, 0]
      : (engineTime(info.SystemTime) ?? [Math.floor(clock.nowMs() / 1000), 0]);
    const filters = JSON.stringify({ type: ["container"], event: ["start", "rename", "destroy"] });
    const since = eventsSince ?? `${Math.floor(Date.parse(info.SystemTime) / 1000)}`;
    const events = await engine.stream(
      `/events?since=${since}&filters=${encodeURIComponent(filters)}`,
      stop.signal,
    );
    if (away) tell(`The Docker engine at ${engine.place} answers again.`);
    away = false;
    for (const { Id } of LISTED.parse(await engine.json("/containers/json"))) await begin(Id, from);
    if (followed.size === 0) tell("no container to follow runs yet; waiting for one.");
    const splitter = createLineSplitter((line) => {
      if (line.trim() !== "") void onEvent(EVENT.parse(JSON.parse(line))).catch(complain);
    });
    for await (const chunk of events) splitter.push(chunk as Buffer);
  }

  async function onEvent(event: z.infer<typeof EVENT>): Promise<void> {
    const seconds = Math.floor(event.timeNano / 1e9);
    eventsSince = String(seconds);
    if (event.Action === "destroy") forget(event.id);
    else if (event.Action === "rename") await rename(event.id);
    else await begin(event.id, options.fromStart ? [0, 0] : [seconds - START_S, 0]);
  }

  /** Follows a container that is asked for, or goes on with it when it has started again. */
  async function begin(id: string, since: HrTime): Promise<void> {
    if (id === own) return;
    const known = followed.get(id);
    if (known?.reading === true) {
      known.again = true;
      return;
    }
    const container = await inspect(id);
    if (container === undefined || !isNamed(container, options.names)) return;
    const each = known ?? follow(container, since);
    if (known === undefined) tell(`following ${container.name}`);
    if (!each.reading) void read(each, container).catch(complain);
  }

  function follow(container: Container, since: HrTime): Followed {
    const each: Followed = {
      id: container.id,
      log: createContainerLog(since, { clock, onRecord: (record) => each.source.log(record) }),
      source: client.source(container.resource),
      reading: false,
      again: false,
    };
    followed.set(container.id, each);
    return each;
  }

  async function rename(id: string): Promise<void> {
    const container = await inspect(id);
    const known = followed.get(id);
    if (container === undefined) return;
    if (known !== undefined) known.source = client.source(container.resource);
    else if (container.running) await begin(id, from!);
  }

  function forget(id: string): void {
    const known = followed.get(id);
    if (known !== undefined && !known.reading) followed.delete(id);
  }

  /** Reads a log to its end: the end that the engine gives it when the container has stopped. */
  async function read(each: Followed, first: Container): Promise<void> {
    each.reading = true;
    let container: Container | undefined = first;
    while (container !== undefined && !stop.signal.aborted) {
      each.again = false;
      const end = await readOnce(each, container).catch(endOfError);
      if (end === "unreadable") tell(`${container.name} logs with a driver that cannot be read.`);
      if (end === "unreadable") break;
      // While the engine is away nothing is known about the container.
      container = await inspect(each.id).catch(() => first);
      if (end === "whole" && container?.running !== true && !each.again) break;
      await pause();
    }
    each.reading = false;
    each.log.end();
  }

  async function readOnce({ id, log }: Followed, { terminal }: Container): Promise<LogEnd> {
    log.again();
    const response = await engine.stream(
      `/containers/${id}/logs?follow=1&stdout=1&stderr=1&timestamps=1&since=${log.since()}`,
      stop.signal,
    );
    const reader = terminal ? createTerminalReader(log.entry) : createFrameReader(log.entry);
    for await (const chunk of response) {
      reader.push(chunk as Buffer);
      while (!client.hasRoom() && !stop.signal.aborted) await delay(NO_ROOM_MS);
    }
    if (!response.complete) return "broken";
    reader.end();
    return "whole";
  }

  /** `undefined` when there is no such container any more. */
  async function inspect(id: string): Promise<Container | undefined> {
    try {
      return containerOf(await engine.json(`/containers/${id}/json`));
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return undefined;
      throw error;
    }
  }

  function complain(error: unknown): void {
    if (stop.signal.aborted || away) return;
    away = true;
    tell(`${reasonOf(error, engine.place)} Trying again until it works.`);
  }

  async function pause(): Promise<void> {
    await delay(AGAIN_MS, undefined, { signal: stop.signal }).catch(() => undefined);
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      await watch().catch(complain);
      if (!stop.signal.aborted) await pause();
    }
  }

  const running = run();
  return {
    close: async () => {
      stop.abort();
      await running;
      for (const { log } of followed.values()) log.end();
    },
  };
}

/** How one reading of a log ended: the engine said that this was all, the connection broke off, or it may never be. */
type LogEnd = "whole" | "broken" | "unreadable";

function endOfError(error: unknown): LogEnd {
  if (!(error instanceof EngineError)) return "broken";
  return /does not support reading/.test(error.message) ? "unreadable" : "broken";
}

/** Why an engine cannot be asked, with the remedy. */
function reasonOf(error: unknown, place: string): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EACCES") {
    return `The Docker engine at ${place} may not be asked by this user: add the user to the group \`docker\`, or set DOCKER_HOST.`;
  }
  if (code === "ENOENT" || code === "ECONNREFUSED" || code === "ENOTFOUND") {
    return `No Docker engine answers at ${place}: start Docker, or set DOCKER_HOST.`;
  }
  return `The Docker engine at ${place} cannot be followed: ${error instanceof Error ? error.message : String(error)}.`;
}
