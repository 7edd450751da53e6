import { describe, expect, it } from "vitest";
import { corsHeaders, isTrustedOrigin } from "../../src/otlp-receiver/origin.ts";

describe("isTrustedOrigin", () => {
  it.each([
    "http://localhost",
    "http://localhost:3000",
    "https://localhost:8443",
    "http://shop.localhost:5173",
    "http://api.shop.localhost",
    "http://127.0.0.1:8080",
    "http://127.1.2.3",
    "http://[::1]:3000",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://4c1b0e4a-0000-4000-8000-0123456789ab",
  ])("trusts %s", (origin) => {
    expect(isTrustedOrigin(origin)).toBe(true);
    expect(corsHeaders(origin)["access-control-allow-origin"]).toBe(origin);
  });

  it.each([
    "null",
    "",
    "https://example.com",
    "http://localhost.evil.example",
    "http://evil.example/localhost",
    "http://localhost:3000.evil.example",
    "http://127.0.0.1.evil.example",
    "http://localhost:",
    "http://localhost:99999999",
    "http://user@localhost",
    "file://localhost",
    "https://[::2]",
    "chrome-extension://a/b",
    "http://localhost\nhttp://evil.example",
    " http://localhost",
  ])("does not trust %j", (origin) => {
    expect(isTrustedOrigin(origin)).toBe(false);
    expect(corsHeaders(origin)).toEqual({});
  });
});
