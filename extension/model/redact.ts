/*
 * What a page may not give away, masked before it leaves the page. The daemon masks once more on its way out; what is
 * masked here never reaches it.
 */

export const MASK = "***";

const SECRET_NAME =
  /pass(?:word|wd|phrase|code)?$|^pwd$|secret|token|authorization|cookie|session|credential|api[-_]?key|private[-_]?key|signature|^sig$|^auth$|^code$|^otp$|^pin$|cvv|cvc|ssn|card[-_]?(?:number|no)|iban/i;

/** Whether what stands under this name (header, parameter, key, field) is to be masked. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Secrets that show by their shape: JWTs, bearer and basic credentials, keys of well-known issuers, card numbers. */
const SECRET_SHAPES =
  /\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*|\b(?:Bearer|Basic)\s+[\w.~+/=-]{8,}|\b(?:sk|pk|rk)_(?:live|test)_\w{8,}|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END|$)|\b(?:\d[ -]?){13,19}\b/g;

/** `text` without what looks like a secret; the very same text when nothing does. */
export function redactText(text: string): string {
  return text.replace(SECRET_SHAPES, (found) => (/^\d/.test(found) && !isCardNumber(found) ? found : MASK));
}

function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, "");
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length >= 13 && digits.length <= 19 && sum % 10 === 0;
}

/** A URL without user and password, and without the values of secret parameters in query and fragment. */
export function redactUrl(url: string): string {
  const at = url.search(/[?#]/);
  const path = (at === -1 ? url : url.slice(0, at)).replace(
    /^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i,
    `$1${MASK}@`,
  );
  if (at === -1) return redactText(path);
  const rest = url
    .slice(at)
    .replace(/([?&#;])([^=&#;]*)=([^&#;]*)/g, (whole, before, name) =>
      isSecretName(decoded(name)) ? `${before}${name}=${MASK}` : whole,
    );
  return redactText(path + rest);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A body as text: JSON and form fields by their names, everything else by shape. */
export function redactBody(text: string): string {
  const byName = text
    .replace(/("([^"\\]{1,60})"\s*:\s*)("(?:[^"\\]|\\.)*"?|[-\d.]+|true|false)/g, (whole, before, name) =>
      isSecretName(name) ? `${before}"${MASK}"` : whole,
    )
    .replace(/(^|&)([^=&\s{}"]{1,60})=([^&\s]*)/g, (whole, before, name) =>
      isSecretName(decoded(name)) ? `${before}${name}=${MASK}` : whole,
    );
  return redactText(byName);
}
