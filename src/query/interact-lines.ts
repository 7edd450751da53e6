import type { AccessibilityViolation, BrowserStep, StepEffect } from "../model/browser.ts";
import type { StepRun } from "./interact-run.ts";
import { clean } from "./render/clean.ts";
import type { Row } from "./shapes.ts";

/** A row of a reply with its lines of text, which are cut to `charsMax` each. */
export interface Item {
  readonly row: Row;
  readonly lines: (charsMax: number) => readonly string[];
}

const REQUESTS_SHOWN = 12;
const CONSOLE_SHOWN = 8;
const ERRORS_SHOWN = 5;
const PLACES_SHOWN = 3;
const TRACE_DIGITS = 8;
const TRACE_ID = /^[0-9a-f]{32}$/;
const MARKS = { ok: "ok", healed: "HEALED", failed: "FAILED", not_run: "not run" } as const;

/** One step with what it caused. The text of the page in it is cut here, and cleaned by whoever shows it. */
export function stepItem(run: StepRun, index: number): Item {
  const { step, result, reason, effect } = run;
  const did = stepText(step);
  return {
    row: {
      step: index + 1,
      did,
      result,
      ...(reason === undefined ? {} : { reason }),
      ...(effect === undefined ? {} : effectFields(effect)),
    },
    lines: (charsMax) => {
      const place =
        effect === undefined ? "" : ` ${Math.round(effect.duration_ms)}ms${tracePart(effect.trace_id)}`;
      const why = reason === undefined ? "" : `: ${reason}`;
      const head = `${index + 1}. ${did} → ${MARKS[result]}${place}${why}`;
      return [head, ...effectLines(effect).map((line) => `   ${line}`)].map((line) => clean(line, charsMax));
    },
  };
}

/** A broken rule of accessibility, and where it is broken. */
export function violationItem({ rule, impact, help, selectors }: AccessibilityViolation): Item {
  const places = selectors.slice(0, PLACES_SHOWN);
  const more = selectors.length > places.length ? ` and ${selectors.length - places.length} more` : "";
  return {
    row: { rule, impact, help, ...some("selectors", selectors, PLACES_SHOWN) },
    lines: (charsMax) => [clean(`${impact}: ${help} (${rule}) at ${places.join(", ")}${more}`, charsMax)],
  };
}

/** A step in a few words: `click aria/Pay`. What is typed is shown as the agent or the recording gave it. */
function stepText(step: BrowserStep): string {
  const target = "selectors" in step ? step.selectors?.[0]?.join(" >> ") : undefined;
  const on = target === undefined ? "" : ` ${target}`;
  switch (step.type) {
    case "navigate":
      return `go ${step.url}`;
    case "change":
      return `change${on} to ${JSON.stringify(step.value)}`;
    case "keyDown":
    case "keyUp":
      return `${step.type} ${step.key}${on}`;
    case "waitForText":
      return `wait for ${JSON.stringify(step.text)}`;
    case "evaluate":
      return `evaluate ${step.expression}`;
    case "scroll":
      return `scroll${on}${step.x === undefined && step.y === undefined ? "" : ` to ${step.x ?? 0},${step.y ?? 0}`}`;
    case "waitForElement":
      return `wait for${on}`;
    default:
      return `${step.type}${on}`;
  }
}

function effectFields(effect: StepEffect): Row {
  const { duration_ms, url, selector, value, dom } = effect;
  return {
    duration_ms: Math.round(duration_ms),
    url,
    ...(selector === undefined ? {} : { selector }),
    ...(traceIdOf(effect.trace_id) === undefined ? {} : { trace_id: effect.trace_id }),
    ...some("requests", effect.requests, REQUESTS_SHOWN),
    ...some("console", effect.console, CONSOLE_SHOWN),
    ...some("errors", effect.errors, ERRORS_SHOWN),
    ...(dom === "" ? {} : { dom }),
    ...(value === undefined ? {} : { value }),
  };
}

/** A list's beginning and how much longer it is; nothing of an empty one. */
function some(name: string, items: readonly unknown[], most: number): Row {
  if (items.length === 0) return {};
  const left = items.length - most;
  return { [name]: items.slice(0, most), ...(left > 0 ? { [`more_${name}`]: left } : {}) };
}

function effectLines(effect: StepEffect | undefined): string[] {
  if (effect === undefined) return [];
  const of = <T>(items: readonly T[], most: number, line: (item: T) => string): string[] => [
    ...items.slice(0, most).map(line),
    ...(items.length > most ? [`and ${items.length - most} more`] : []),
  ];
  return [
    ...of(effect.requests, REQUESTS_SHOWN, ({ method, url, status, duration_ms, trace_id }) => {
      const answer = status === 0 ? "no answer" : String(status);
      return `${method} ${url} ${answer} ${Math.round(duration_ms)}ms${tracePart(trace_id)}`;
    }),
    ...of(effect.errors, ERRORS_SHOWN, (error) => `uncaught: ${error}`),
    ...of(effect.console, CONSOLE_SHOWN, ({ level, message }) => `console ${level}: ${message}`),
    ...(effect.dom === "" ? [] : [`page: ${effect.dom}`]),
    ...(effect.value === undefined ? [] : [`value: ${effect.value}`]),
  ];
}

function tracePart(traceId: string | undefined): string {
  const id = traceIdOf(traceId);
  return id === undefined ? "" : ` trace ${id.slice(0, TRACE_DIGITS)}`;
}

/** The id if it is one: it becomes part of calls that stand outside the fence. */
export function traceIdOf(traceId: string | undefined): string | undefined {
  return traceId !== undefined && TRACE_ID.test(traceId) ? traceId : undefined;
}
