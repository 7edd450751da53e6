import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GasolineError } from "../model/errors.ts";

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * The token that the extension and the daemons of one state folder share, from `<state-dir>/pairing.json`; made, for the
 * owner's eyes only, when there is none. 256 bits as base64url, which a subprotocol may hold. Throws GasolineError
 * `internal` when the file cannot be read, written or understood.
 */
export function pairingToken(stateDir: string): string {
  const path = join(stateDir, "pairing.json");
  try {
    return readToken(path) ?? makeToken(stateDir, path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GasolineError(
      "internal",
      `${path} cannot be used: ${why}.`,
      "Delete it and run `gasoline extension`, then reload the extension.",
    );
  }
}

/** Whether two tokens are the same; how long that takes says nothing of either. */
export function sameToken(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function readToken(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const { token } = JSON.parse(text) as { readonly token?: unknown };
  if (typeof token !== "string" || !TOKEN.test(token)) throw new Error("it holds no token of 43 characters");
  // Copied or restored files may have lost it.
  chmodSync(path, 0o600);
  return token;
}

function makeToken(stateDir: string, path: string): string {
  const token = randomBytes(TOKEN_BYTES).toString("base64url");
  mkdirSync(stateDir, { recursive: true });
  try {
    writeFileSync(path, `${JSON.stringify({ token }, null, 2)}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    // Another process made one in this very moment: that one holds.
    const other = error instanceof Error && "code" in error && error.code === "EEXIST" && readToken(path);
    if (typeof other !== "string") throw error;
    return other;
  }
  return token;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
