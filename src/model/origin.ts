import type { ExtensionId } from "./browser.ts";

/** Whether an `Origin` header names a page served from this machine. `null` (sandboxed frames, files) does not. */
export function isLoopbackOrigin(origin: string): boolean {
  return /^https?:\/\/(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(
    origin,
  );
}

/** Whether an `Origin` header names a browser extension, whichever. */
export function isExtensionOrigin(origin: string): boolean {
  return /^(?:chrome|moz)-extension:\/\/[a-z0-9-]+$/.test(origin);
}

const EXTENSION_ID: ExtensionId = "amnppckhcoipedcfbejpminmjkgbhkil";

/** The one extension that may take commands: ours, whose id its manifest's key fixes. */
export const OWN_EXTENSION_ORIGIN = `chrome-extension://${EXTENSION_ID}`;
