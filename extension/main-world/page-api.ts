import type { Attributes } from "../model/records.ts";
import { isSecretName, MASK, redactText } from "../model/redact.ts";
import { walk } from "./describe.ts";
import type { Recorder } from "./recorder.ts";

const NAME_CHARS = 100;
const ATTRIBUTES_MAX = 50;

/** `window.gasoline`: what an app may tell of itself. */
export interface PageApi {
  /**
   * Records an event of the app's own, in the trace of what goes on. Objects are kept as JSON text. Never throws;
   * a call without a name does nothing.
   */
  event(name: string, attributes?: Readonly<Record<string, unknown>>): void;
}

/** Offers `window.gasoline`. False when it is there already: this frame is captured by an earlier start. */
export function offerPageApi(recorder: Recorder): boolean {
  if ("gasoline" in window) return false;
  const api: PageApi = {
    event(name, attributes) {
      try {
        if (typeof name !== "string" || name === "") return;
        const told = name.slice(0, NAME_CHARS);
        recorder.event({
          name: told,
          severity: 9,
          body: told,
          attributes: plain(attributes ?? {}),
          scope: "gasoline.custom",
        });
      } catch {
        // An app's event is lost rather than the app's turn.
      }
    },
  };
  Object.defineProperty(window, "gasoline", { value: Object.freeze(api), configurable: true });
  return true;
}

function plain(attributes: Readonly<Record<string, unknown>>): Attributes {
  const told: Attributes = {};
  for (const key of Object.keys(attributes).slice(0, ATTRIBUTES_MAX)) {
    const value = attributes[key];
    if (isSecretName(key)) told[key] = MASK;
    else if (typeof value === "number" || typeof value === "boolean") told[key] = value;
    else told[key] = typeof value === "string" ? redactText(value.slice(0, 1_000)) : walk(value);
  }
  return told;
}
