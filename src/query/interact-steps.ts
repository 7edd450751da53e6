import type { BrowserStep, Selectors } from "../model/browser.ts";
import { GasolineError } from "../model/errors.ts";
import { nearest } from "./did-you-mean.ts";

/*
 * Steps as agents and files write them, made into those that the extension takes. Chrome DevTools Recorder's own pass
 * as they are; beside them stand shorthands, where `target` is one selector:
 *
 *   {"type":"go","url":"http://localhost:3000/"}            {"type":"click","target":"aria/Pay"}
 *   {"type":"type","target":"aria/Email","value":"a@b.c"}   {"type":"select","target":"#size","value":"L"}
 *   {"type":"press","key":"Enter"}                          {"type":"wait_for","text":"Thank you"}
 */

type Fields = Readonly<Record<string, unknown>>;

interface Kind {
  /** Fields it reads; others are refused, but for those that Chrome's recorder adds. */
  readonly fields: readonly string[];
  readonly read: (step: Fields, at: string) => readonly BrowserStep[];
}

const TARGET = ["target", "selector", "selectors"];

const change: Kind = {
  fields: [...TARGET, "value", "text"],
  read: (step, at) => [
    {
      type: "change",
      selectors: selectorsOf(step, at),
      value: text(step, step.value === undefined ? "text" : "value", at, true),
    },
  ],
};
const navigate: Kind = {
  fields: ["url"],
  read: (step, at) => [{ type: "navigate", url: pageUrl(step, at) }],
};
const waitFor: Kind = {
  fields: [...TARGET, "text", "visible"],
  read: (step, at) => [
    step.text === undefined
      ? {
          type: "waitForElement",
          selectors: selectorsOf(step, at),
          ...(step.visible === undefined ? {} : { visible: step.visible === true }),
        }
      : { type: "waitForText", text: text(step, "text", at) },
  ],
};
const pointer = (type: "click" | "doubleClick" | "hover"): Kind => ({
  fields: TARGET,
  read: (step, at) => [{ type, selectors: selectorsOf(step, at) }],
});
const key = (...types: readonly ("keyDown" | "keyUp")[]): Kind => ({
  fields: ["key", ...TARGET],
  read: (step, at) => {
    const pressed = text(step, "key", at);
    const selectors = hasTarget(step) ? { selectors: selectorsOf(step, at) } : {};
    return types.map((type) => ({ type, key: pressed, ...selectors }));
  },
});

const KINDS: Readonly<Record<string, Kind>> = {
  go: navigate,
  navigate,
  click: pointer("click"),
  doubleClick: pointer("doubleClick"),
  hover: pointer("hover"),
  type: change,
  select: change,
  change,
  press: key("keyDown", "keyUp"),
  keyDown: key("keyDown"),
  keyUp: key("keyUp"),
  scroll: {
    fields: [...TARGET, "x", "y"],
    read: (step, at) => [
      {
        type: "scroll",
        ...(step.x === undefined ? {} : { x: number(step, "x", at) }),
        ...(step.y === undefined ? {} : { y: number(step, "y", at) }),
        ...(hasTarget(step) ? { selectors: selectorsOf(step, at) } : {}),
      },
    ],
  },
  wait_for: waitFor,
  waitForElement: waitFor,
  waitForText: waitFor,
  evaluate: {
    fields: ["expression"],
    read: (step, at) => [{ type: "evaluate", expression: text(step, "expression", at) }],
  },
};

/** What Chrome's recorder writes beside these, and what changes nothing in a tab that is there already. */
const RECORDER_FIELDS = [
  "type",
  "target",
  "frame",
  "timeout",
  "assertedEvents",
  "button",
  "duration",
  "deviceType",
  "offsetX",
  "offsetY",
  "operator",
  "count",
];
const RECORDER_STEPS = ["setViewport", "emulateNetworkConditions", "close"];

/** Steps of one call. */
export const STEPS_MAX = 50;
const TEXT_CHARS_MAX = 10_000;

/** A step as it is sent, and the position of the one it was made from. */
export interface NumberedStep {
  readonly step: BrowserStep;
  readonly source: number;
}

/**
 * Reads steps. Those of Chrome's recorder that set up a window are left out. Throws GasolineError `bad_parameter` that
 * names the step, what is wrong with it and what was probably meant.
 */
export function readSteps(steps: readonly unknown[], stepsMax = STEPS_MAX): NumberedStep[] {
  if (steps.length > stepsMax) {
    throw bad(
      `There are ${steps.length} steps; at most ${stepsMax} are taken.`,
      "Send them in several calls.",
    );
  }
  return steps.flatMap((given, source) => readStep(given, source).map((step) => ({ step, source })));
}

function readStep(given: unknown, position: number): readonly BrowserStep[] {
  const at = `steps[${position}]`;
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw bad(
      `${at} is ${shown(given)}; expected an object.`,
      'For example {"type":"click","target":"aria/Pay"}.',
    );
  }
  const step = given as Fields;
  const type = typeof step.type === "string" ? step.type : "";
  if (RECORDER_STEPS.includes(type)) return [];
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (kind === undefined) {
    const meant = nearest(type, Object.keys(KINDS), 1)[0];
    throw bad(
      `${at}.type is ${shown(step.type)}; expected one of ${Object.keys(KINDS).join(", ")}.`,
      meant === undefined
        ? 'For example {"type":"click","target":"aria/Pay"}.'
        : `Did you mean ${shown(meant)}?`,
    );
  }
  const known = [...kind.fields, ...RECORDER_FIELDS];
  const unknown = Object.keys(step).find((field) => !known.includes(field));
  if (unknown !== undefined) {
    const meant = nearest(unknown, kind.fields, 1)[0];
    throw bad(
      `${at}.${unknown.slice(0, 60)} means nothing to ${type}.`,
      meant === undefined ? `It takes ${kind.fields.join(", ")}.` : `Did you mean ${meant}?`,
    );
  }
  return kind.read(step, at);
}

/** Of Chrome's recorder, `target: "main"` names the page and not an element. */
function hasTarget(step: Fields): boolean {
  return step.selectors !== undefined || step.selector !== undefined || (step.target ?? "main") !== "main";
}

/** `selectors`, or `target` as one or several alternatives, best first. */
function selectorsOf(step: Fields, at: string): Selectors {
  const given = step.selectors ?? step.selector ?? step.target;
  const lists = (Array.isArray(given) ? given : [given]).map((each: unknown) =>
    Array.isArray(each) ? each : [each],
  );
  const whole = lists.every(
    (list) => list.length > 0 && list.every((part) => typeof part === "string" && part.trim() !== ""),
  );
  if (whole && lists.length > 0) return lists as string[][];
  const place = step.selectors === undefined ? "target" : "selectors";
  throw bad(
    `${at}.${place} is ${shown(given)}; expected a selector.`,
    'Take one from interact {"action":"page"}: aria/Pay, aria/Pay[role="button"], text/Pay or CSS.',
  );
}

function text(step: Fields, field: string, at: string, mayBeEmpty = false): string {
  const value = step[field];
  const isText = typeof value === "string" && value.length <= TEXT_CHARS_MAX && (mayBeEmpty || value !== "");
  if (isText) return value;
  throw bad(
    `${at}.${field} is ${shown(value)}; expected text.`,
    `At most ${TEXT_CHARS_MAX} characters${mayBeEmpty ? "" : ", at least one"}.`,
  );
}

function number(step: Fields, field: string, at: string): number {
  const value = step[field];
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw bad(`${at}.${field} is ${shown(value)}; expected a number of CSS pixels.`, "");
}

/** Pages of the web only: `javascript:` would run code and `file:` read the disk. */
function pageUrl(step: Fields, at: string): string {
  const url = text(step, "url", at);
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw bad(
    `${at}.url is ${shown(url)}; expected a whole http or https address.`,
    "As http://localhost:3000/cart.",
  );
}

const SHOWN_CHARS_MAX = 80;

function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "missing";
  return json.length > SHOWN_CHARS_MAX ? `${json.slice(0, SHOWN_CHARS_MAX)}…` : json;
}

function bad(problem: string, remedy: string): GasolineError {
  return new GasolineError("bad_parameter", problem, remedy);
}
