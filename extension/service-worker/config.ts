/** `config.json` beside the manifest: written by `gasoline extension`, read once when the worker starts. */
export interface ExtensionConfig {
  /** The daemon, without a slash at the end. */
  readonly endpoint: string;
  /** Pairing token for the command socket; `""` until the extension is paired. */
  readonly token: string;
  /** Sent as `x-api-key`; `""` unless the daemon requires a key. */
  readonly key: string;
}

/** Falls back to the default endpoint, unpaired, for what is missing or cannot be read. */
export async function loadConfig(): Promise<ExtensionConfig> {
  const response = await fetch(chrome.runtime.getURL("config.json"));
  const given = (await response.json()) as Partial<Record<keyof ExtensionConfig, unknown>>;
  const text = (value: unknown, otherwise: string): string =>
    typeof value === "string" && value !== "" ? value : otherwise;
  return {
    endpoint: text(given.endpoint, "http://127.0.0.1:7890").replace(/\/+$/, ""),
    token: text(given.token, ""),
    key: text(given.key, ""),
  };
}
