import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
// The schema names its dialect with https; Ajv knows draft 7 under http.
const { $schema: _dialect, ...schema } = JSON.parse(read("test/data/compose-spec/compose-spec.json"));
const isCompose = new Ajv({ strict: false, validateFormats: false }).compile(schema);

interface Service {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

describe.each(["docker-compose.yml", "sdk-snippets/docker-compose/docker-compose.yml"])("%s", (path) => {
  const file = parse(read(path)) as { services: Readonly<Record<string, Service>> };
  const { gasoline, ...others } = file.services;

  it("is valid by the compose schema", () => {
    isCompose(file);
    expect(isCompose.errors ?? []).toEqual([]);
  });

  it("publishes the daemon on this machine only, with a key and the docker socket read-only", () => {
    expect(gasoline!.ports).toEqual(["127.0.0.1:7890:7890"]);
    expect(gasoline!.environment.GASOLINE_API_KEY).toMatch(/^\$\{GASOLINE_API_KEY:/);
    expect(gasoline!.volumes).toEqual(["/var/run/docker.sock:/var/run/docker.sock:ro"]);
  });

  it("points the others at the daemon by the service's name", () => {
    for (const service of Object.values(others)) {
      expect(JSON.stringify([service.command ?? [], service.environment])).toContain("http://gasoline:7890");
    }
  });
});

it("finds a broken compose file", () => {
  expect(isCompose({ services: { gasoline: { comand: ["serve"] } } })).toBe(false);
});

describe("Dockerfile", () => {
  const lines = read("Dockerfile").split("\n");

  it("ends as an ordinary user, with a health check of what is ready", () => {
    const start = lines.findLastIndex((line) => line.startsWith("FROM "));
    const last = lines.slice(start).join("\n");
    expect(last).toMatch(/^FROM node:24-slim$/m);
    expect(last).toMatch(/^USER node$/m);
    expect(last).toMatch(/^HEALTHCHECK [\s\S]*\/readyz/m);
  });
});
