import { describe, expect, test } from "vitest";
import { isSecretName, redactBody, redactText, redactUrl } from "../../extension/model/redact.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";

/** What is masked before it leaves a page: the function, what goes in, what comes out. */
const MASKED: readonly (readonly [(text: string) => string, string, string])[] = [
  [redactUrl, "http://a/b?q=1&token=t0p#access_token=t0p", "http://a/b?q=1&token=***#access_token=***"],
  [redactUrl, "http://me:secret@a/b?%74oken=t0p", "http://***@a/b?%74oken=***"],
  [redactUrl, "http://a/b?code=t0p;session=t0p&page=2", "http://a/b?code=***;session=***&page=2"],
  [redactUrl, `http://a/reset/${JWT}`, "http://a/reset/***"],
  [redactBody, '{"user":"me","password":"a\\"b","pin":1234}', '{"user":"me","password":"***","pin":"***"}'],
  [redactBody, "user=me&password=t0p&api_key=t0p", "user=me&password=***&api_key=***"],
  [redactBody, '{"card_number":"4111", "text":"4111 1111 1111 1111"}', '{"card_number":"***", "text":"***"}'],
  [redactBody, '{"cut":1,"password":"never clo', '{"cut":1,"password":"***"'],
  [redactText, "Authorization: Bearer abcdefghijkl", "Authorization: ***"],
  [redactText, `with ${JWT} in it`, "with *** in it"],
  [redactText, "order 1234567890123 of 2026", "order 1234567890123 of 2026"],
];

describe("redaction in the page", () => {
  test.each(MASKED)("%o: %s", (redact, given, told) => {
    expect(redact(given)).toBe(told);
  });

  test("names of secrets, and names that only look like one", () => {
    const secret = [
      "password",
      "newPasswd",
      "X-Api-Key",
      "set-cookie",
      "client_secret",
      "otp",
      "card_number",
      "cvc",
    ];
    expect(secret.filter((name) => !isSecretName(name))).toEqual([]);
    const plain = ["user", "pinned", "coupon_code_name", "passenger", "zip"];
    expect(plain.filter(isSecretName)).toEqual([]);
  });
});
