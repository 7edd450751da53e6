/*
 * Sites the user allowed besides the local ones of the manifest: their pages get the same two content scripts.
 */

const SCRIPTS = [
  { id: "relay", js: ["relay.js"], world: "ISOLATED" },
  { id: "main-world", js: ["main-world.js"], world: "MAIN" },
] as const;

/** Keeps the content scripts in step with the permissions; call once a worker start. */
export function followPermissions(report: (problem: string) => void): void {
  const follow = (): void => {
    registerAllowed().catch((error: unknown) => report(`A site could not be added: ${String(error)}`));
  };
  chrome.permissions.onAdded.addListener(follow);
  chrome.permissions.onRemoved.addListener(follow);
  follow();
}

async function registerAllowed(): Promise<void> {
  const { origins = [] } = await chrome.permissions.getAll();
  const shipped = new Set<string>(chrome.runtime.getManifest().host_permissions);
  const matches = origins.filter((origin) => !shipped.has(origin));
  const registered = await chrome.scripting.getRegisteredContentScripts();
  await chrome.scripting.unregisterContentScripts({ ids: registered.map(({ id }) => id) });
  if (matches.length === 0) return;
  await chrome.scripting.registerContentScripts(
    SCRIPTS.map(({ id, js, world }) => ({
      id,
      js: [...js],
      world,
      matches,
      // The manifest's scripts are there already.
      excludeMatches: [...shipped],
      runAt: "document_start" as const,
      allFrames: true,
      matchOriginAsFallback: true,
      persistAcrossSessions: false,
    })),
  );
}
