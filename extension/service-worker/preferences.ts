import { type CaptureSettings, DEFAULT_SETTINGS } from "../model/messages.ts";

/** What the user switched on or off in the popup. */
export interface Preferences extends CaptureSettings {
  /** Whether agents may run scripts in pages. */
  readonly evaluate: boolean;
}

/** As stored in `chrome.storage.local`: capture's part under `settings`, the worker's own beside it. */
export async function readPreferences(): Promise<Preferences> {
  const stored = await chrome.storage.local.get<{ settings?: Partial<CaptureSettings>; evaluate?: boolean }>([
    "settings",
    "evaluate",
  ]);
  return { ...DEFAULT_SETTINGS, ...stored.settings, evaluate: stored.evaluate === true };
}

/** Changes some; whoever listens to `chrome.storage.onChanged` acts on it. */
export async function writePreferences(change: Partial<Preferences>): Promise<void> {
  const { evaluate, ...settings } = { ...(await readPreferences()), ...change };
  await chrome.storage.local.set({ settings, evaluate });
}
