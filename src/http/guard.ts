import { createHash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import { GasolineError } from "../model/errors.ts";
import { isExtensionOrigin, isLoopbackOrigin, OWN_EXTENSION_ORIGIN } from "../model/origin.ts";

/*
 * Who may talk to a daemon on loopback (design decision 14). Every page in the user's browser can reach this
 * port, so a request is judged by what a page cannot choose:
 *
 *   Host     a name that stands for this machine. A page of evil.example that rebinds its name to 127.0.0.1
 *            still sends `Host: evil.example`.
 *   Origin   absent (no page), or a page served from this machine. `null` (sandboxed frames, files) is refused.
 *   key      GASOLINE_API_KEY, when set.
 *
 * Telemetry itself is judged by Origin and key only: containers and other hosts send it under any name.
 */

/** The headers a guard looks at. */
export interface GuardedRequest {
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
}

export interface GuardedAccess extends GuardedRequest {
  readonly host: string | undefined;
}

/** Says why a request is refused, or undefined. */
export type Guard<R extends GuardedRequest> = (request: R) => GasolineError | undefined;

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
/** Addresses to bind that are no names: browsers take `0.0.0.0` for this machine too. */
const WILDCARDS = ["0.0.0.0", "::", "*"];
/** Guards OTLP ingest: pages of this machine, browser extensions, and whatever is no page; the key when set. */
export function ingestGuard(config: Pick<Config, "apiKey">): Guard<GuardedRequest> {
  const checkKey = keyGuard(config.apiKey);
  return (request) => {
    const { origin } = request;
    if (origin !== undefined && !isLoopbackOrigin(origin) && !isExtensionOrigin(origin)) {
      return foreignOrigin(origin);
    }
    return checkKey(request);
  };
}

/**
 * Guards everything else: pages, reads, MCP, commands. Stricter than ingest: the Host must be one of ours, and an
 * extension's origin does not do, since any installed extension has one.
 */
export function accessGuard(config: Pick<Config, "apiKey" | "allowHosts" | "host">): Guard<GuardedAccess> {
  const checkKey = keyGuard(config.apiKey);
  const checkHost = hostGuard(config);
  return (request) => {
    const { host = "", origin } = request;
    const refusal = checkHost(request.host);
    if (refusal !== undefined) return refusal;
    if (origin !== undefined && !isLoopbackOrigin(origin) && !isOwnPage(origin, host))
      return foreignOrigin(origin);
    return checkKey(request);
  };
}

/**
 * Guards the extension's socket before its handshake: the Host is ours, and the Origin is our own extension, which no
 * page and no other extension can claim. Its token and key are looked at after it, where the extension can be told.
 */
export function extensionGuard(
  config: Pick<Config, "allowHosts" | "host">,
): (request: Pick<GuardedAccess, "host" | "origin">) => GasolineError | undefined {
  const checkHost = hostGuard(config);
  return ({ host, origin }) => {
    const refusal = checkHost(host);
    if (refusal !== undefined || origin === OWN_EXTENSION_ORIGIN) return refusal;
    return new GasolineError(
      "forbidden_origin",
      origin === undefined
        ? "Only gasoline's browser extension connects here, and the request names no Origin."
        : `${quote(origin)} is not gasoline's browser extension.`,
      "Load the folder that `gasoline extension` prints; its id is fixed.",
    );
  };
}

function hostGuard(
  config: Pick<Config, "allowHosts" | "host">,
): (host: string | undefined) => GasolineError | undefined {
  const bound = WILDCARDS.includes(config.host) ? [] : [config.host];
  const names = new Set([...LOOPBACK_NAMES, ...config.allowHosts, ...bound].map(hostName));
  return (host) => {
    const name = hostName((host ?? "").replace(/:\d{1,5}$/, ""));
    return host === undefined || !names.has(name) ? foreignHost(host) : undefined;
  };
}

/** Lower case, without the trailing dot of a full name; an IPv6 address in brackets. */
function hostName(name: string): string {
  const lower = name.toLowerCase().replace(/\.$/, "");
  return lower.includes(":") && !lower.startsWith("[") ? `[${lower}]` : lower;
}

/** The page was served under this very Host, which has been found to be allowed. */
function isOwnPage(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function keyGuard(key: string): Guard<GuardedRequest> {
  if (key === "") return () => undefined;
  const expected = digest(key);
  return ({ authorization, apiKey }) => {
    const given = apiKey ?? /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1];
    // Digests have one length, so that neither the comparison nor its refusal tells how long the key is.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined;
    return new GasolineError(
      "unauthenticated",
      given === undefined
        ? "This daemon requires a key, and none was sent."
        : "The key that was sent is not the daemon's.",
      "Send GASOLINE_API_KEY as `x-api-key: KEY` or `Authorization: Bearer KEY` (for exporters: OTEL_EXPORTER_OTLP_HEADERS=x-api-key=KEY).",
    );
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function foreignHost(host: string | undefined): GasolineError {
  return new GasolineError(
    "forbidden_host",
    host === undefined ? "The request names no Host." : `Host ${quote(host)} is not a name of this daemon.`,
    "Use localhost or 127.0.0.1, or start the daemon with --allow-host NAME.",
  );
}

function foreignOrigin(origin: string): GasolineError {
  return new GasolineError(
    "forbidden_origin",
    `Pages of ${quote(origin)} may not talk to this daemon.`,
    "Only pages served from this machine (localhost, 127.0.0.1, [::1]) may.",
  );
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
