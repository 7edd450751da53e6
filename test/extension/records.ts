import { expect } from "vitest";
import type { StoredLog, StoredSpan } from "../../src/store/telemetry-store.ts";
import type { ExtensionBrowser } from "./browser.ts";

const WAIT = { timeout: 8_000, interval: 50 };

/** What the daemon holds of the browser, waited for. */
export interface BrowserRecords {
  logs(): Promise<StoredLog[]>;
  spans(): Promise<StoredSpan[]>;
  /** Waits until there is such a record. Fails after 8 s. */
  log(is: (log: StoredLog) => boolean): Promise<StoredLog>;
  span(is: (span: StoredSpan) => boolean): Promise<StoredSpan>;
  /** All that was received, as text to look for what must not be there. */
  text(): Promise<string>;
}

export function recordsOf({ daemon }: Pick<ExtensionBrowser, "daemon">): BrowserRecords {
  const logs = (): Promise<StoredLog[]> => daemon.logs("browser");
  const spans = (): Promise<StoredSpan[]> => daemon.spans("browser");
  const found = async <T>(all: () => Promise<T[]>, is: (record: T) => boolean): Promise<T> => {
    let record: T | undefined;
    await expect.poll(async () => (record = (await all()).find(is)), WAIT).toBeDefined();
    return record!;
  };
  return {
    logs,
    spans,
    log: (is) => found(logs, is),
    span: (is) => found(spans, is),
    text: async () =>
      JSON.stringify([await logs(), await spans()], (_, value) =>
        typeof value === "bigint" ? String(value) : value,
      ),
  };
}

/** The URL of a record ends like this. */
export const at =
  (path: string) =>
  ({ attributes }: StoredLog | StoredSpan): boolean =>
    String(attributes["url.full"]).endsWith(path);
