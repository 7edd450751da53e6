import { readFileSync } from "node:fs";
import { z } from "zod";
import type { SendableAttributes } from "./otlp-client.ts";

/** What `GET /containers/ID/json` says of a container, as far as it is used here. */
const INSPECTED = z.object({
  Id: z.string(),
  Name: z.string(),
  State: z.object({ Running: z.boolean() }),
  Config: z.object({
    Tty: z.boolean().default(false),
    Image: z.string().default(""),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
});

export interface Container {
  readonly id: string;
  readonly name: string;
  /** Its Compose service, else its name. */
  readonly service: string;
  readonly running: boolean;
  /** It has a terminal: its log has no frames. */
  readonly terminal: boolean;
  readonly resource: SendableAttributes;
}

/** Throws ZodError on an answer of another shape. */
export function containerOf(answer: unknown): Container {
  const { Id: id, Name, State, Config } = INSPECTED.parse(answer);
  const name = Name.replace(/^\//, "");
  const labels = Config.Labels ?? {};
  const service = labels["com.docker.compose.service"] ?? name;
  const project = labels["com.docker.compose.project"];
  return {
    ...{ id, name, service, running: State.Running, terminal: Config.Tty },
    resource: {
      "service.name": service,
      ...(project === undefined ? {} : { "service.namespace": project }),
      "container.id": id,
      "container.name": name,
      ...imageOf(Config.Image),
    },
  };
}

/** `shop/cart:1.2` is an image and a tag; a registry may have a port. */
function imageOf(reference: string): SendableAttributes {
  const match = /^([^@]+?)(?::([\w.-]+))?(?:@.*)?$/.exec(reference);
  if (match === null) return {};
  return {
    "container.image.name": match[1]!,
    ...(match[2] === undefined ? {} : { "container.image.tags": [match[2]] }),
  };
}

/** True when one of `names` is the container's name, its Compose service, or the start of its id; or none is given. */
export function isNamed(container: Container, names: readonly string[]): boolean {
  if (names.length === 0) return true;
  return names.some(
    (name) =>
      name === container.name ||
      name === container.service ||
      (/^[0-9a-f]{4,64}$/.test(name) && container.id.startsWith(name)),
  );
}

/** The id of the container that this process runs in, which must not read its own output; `undefined` in none. */
export function ownContainerId(): string | undefined {
  try {
    const mounts = readFileSync("/proc/self/mountinfo", "utf8");
    return /\/containers\/([0-9a-f]{64})\/(?:hostname|hosts|resolv\.conf)/.exec(mounts)?.[1];
  } catch {
    // No /proc: not Linux, so not a container.
    return undefined;
  }
}
