import { join } from "node:path";
import { z } from "zod";
import type { StepEffect, StepExpectation, UserFlow } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "./did-you-mean.ts";
import { namesIn, readJson, writeWhole } from "./state-files.ts";

/*
 * Recordings are `<state-dir>/recordings/NAME.json`, in the format of Chrome DevTools Recorder: what is recorded here can
 * be imported there, and the other way round. `expected` is ours: Chrome ignores it.
 */

const STEPS_MAX = 1_000;

const flowSchema = z.looseObject({
  title: z.string(),
  steps: z.array(z.looseObject({ type: z.string() })).max(STEPS_MAX),
  expected: z
    .array(
      z.strictObject({
        path: z.string().optional(),
        requests: z.array(z.string()).optional(),
        errors: z.number().int().optional(),
      }),
    )
    .optional(),
});

/** A recording as a file holds it: its steps are still to be read. */
export interface Recording {
  readonly steps: readonly unknown[];
  readonly expected: readonly StepExpectation[];
}

/** Writes a recording; one of the same name is replaced. Returns its path. `name` has been checked. */
export function writeRecording(stateDir: string, name: string, flow: UserFlow): string {
  const path = pathOf(stateDir, name);
  writeWhole(path, `${JSON.stringify(flow, null, 2)}\n`);
  return path;
}

/** Throws GasolineError: `not_found` with the nearest names, `bad_parameter` for a file that is no recording. */
export function readRecording(stateDir: string, name: string): Recording {
  const path = pathOf(stateDir, name);
  const json = readJson(path);
  if (json === undefined) {
    const names = namesIn(join(stateDir, "recordings"));
    const near = nearest(name, names);
    throw new GasolineError(
      "not_found",
      `There is no recording ${name}.`,
      near.length > 0
        ? `Did you mean ${near.join(", ")}?`
        : `On file: ${names.join(", ") || "none"}. Make one with interact {"action":"record","name":"${name}"}, or put an export of Chrome's Recorder at ${path}.`,
    );
  }
  const parsed = flowSchema.safeParse(json);
  if (parsed.success) {
    // Undefined fields are left out by the schema, as the type has it.
    return { steps: parsed.data.steps, expected: (parsed.data.expected ?? []) as readonly StepExpectation[] };
  }
  const issue = parsed.error.issues[0]!;
  throw new GasolineError(
    "bad_parameter",
    `${path} is no recording: ${issue.path.join(".") || "the file"}: ${issue.message}.`,
    "Export it from Chrome's Recorder as JSON, or record it again.",
  );
}

function pathOf(stateDir: string, name: string): string {
  return join(stateDir, "recordings", `${name}.json`);
}

/** What a replay shall find again of what a step caused. */
export function expectationOf(effect: StepEffect): StepExpectation {
  return {
    path: pathPattern(effect.url),
    requests: [...new Set(effect.requests.map(requestPattern))],
    errors: effect.errors.length,
  };
}

/** How an effect differs from what was recorded, in words; `undefined` when it does not. */
export function differenceFrom(
  effect: StepEffect,
  expected: StepExpectation | undefined,
): string | undefined {
  if (expected === undefined) return undefined;
  const { path, requests = [], errors } = expected;
  const now = pathPattern(effect.url);
  if (path !== undefined && path !== now) return `it led to ${now}; recorded was ${path}`;
  const seen = effect.requests.map(requestPattern);
  for (const wanted of requests) {
    if (seen.includes(wanted)) continue;
    const request = wanted.slice(0, wanted.lastIndexOf(" "));
    const other = seen.find((each) => each.startsWith(`${request} `));
    return other === undefined
      ? `${request} was not sent; recorded was ${wanted}`
      : `${request} was answered ${other.slice(request.length + 1)}; recorded was ${wanted.slice(request.length + 1)}`;
  }
  return errors !== undefined && effect.errors.length > errors
    ? `${effect.errors.length} uncaught errors, recorded were ${errors}: ${effect.errors[0]}`
    : undefined;
}

function requestPattern({ method, url, status }: StepEffect["requests"][number]): string {
  return `${method} ${pathPattern(url)} ${status}`;
}

/** The path with `*` for each segment that holds a digit: ids differ from run to run. Hosts and queries do too. */
function pathPattern(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : url.split(/[?#]/, 1)[0]!;
  return path
    .split("/")
    .map((segment) => (/\d/.test(segment) ? "*" : segment))
    .join("/");
}
