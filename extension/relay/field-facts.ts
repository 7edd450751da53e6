import type { Attributes } from "../model/records.ts";
import { isSecretName } from "../model/redact.ts";

export type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

/** Types whose value is a choice or a measure rather than something of the user's own. */
const SAFE_TYPES = new Set(["checkbox", "radio", "range", "select-one", "select-multiple"]);

/** Whether what is entered here may never be shown, whatever its type. */
export function isSecretField(field: Field): boolean {
  const says = [
    field.name,
    field.id,
    field.getAttribute("autocomplete") ?? "",
    field.getAttribute("aria-label") ?? "",
  ];
  return (
    field.type === "password" || says.some((text) => isSecretName(text) || /^cc-|one-time-code/.test(text))
  );
}

/**
 * What a field tells without what was typed: kind, length, constraints, validity; the value only of choices. Enough
 * to see that a form was refused because a field was too short.
 */
export function fieldFacts(field: Field): Attributes {
  const facts: Attributes = {
    "gasoline.browser.input.type": field.type,
    "gasoline.browser.input.length": field.value.length,
    "gasoline.browser.input.valid": field.validity.valid,
  };
  if (field.name !== "") facts["gasoline.browser.input.name"] = field.name;
  const failed = validityFlags(field.validity);
  if (failed.length > 0) facts["gasoline.browser.input.invalid"] = failed;
  for (const name of ["required", "pattern", "min", "max", "minlength", "maxlength", "step"]) {
    const value = field.getAttribute(name);
    if (value !== null) facts[`gasoline.browser.input.${name}`] = value === "" ? true : value;
  }
  if (SAFE_TYPES.has(field.type) && !isSecretField(field)) facts["gasoline.browser.value"] = choiceOf(field);
  return facts;
}

function choiceOf(field: Field): string {
  if (field instanceof HTMLInputElement && field.type !== "range") return String(field.checked);
  return field.value.slice(0, 200);
}

function validityFlags(validity: ValidityState): string[] {
  const flags: string[] = [];
  for (const flag in validity) {
    if (flag !== "valid" && validity[flag as keyof ValidityState]) flags.push(flag);
  }
  return flags;
}
