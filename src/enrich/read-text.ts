import { readFile, stat } from "node:fs/promises";
import { get as getPlain } from "node:http";
import { get as getSecure } from "node:https";
import { isLoopbackOrigin } from "../model/origin.ts";

/** A text and what names this version of it: the same as long as the text is. */
export interface VersionedText {
  readonly text: string;
  readonly version: string;
}

/** Larger files are made by machines: bundles are read for their maps, nothing beyond. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const FETCH_MS_MAX = 2_000;
/** What a dev server serves as code. Nothing else is asked for, so that no other address is set off by a stack. */
const CODE_PATH = /\.(?:[cm]?[jt]sx?|vue|svelte|astro|map)$/;

/** A file as text; `undefined` when it is not there, is no file, is binary or larger than 16 MiB. */
export async function readTextFile(file: string): Promise<VersionedText | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    if (size > FILE_BYTES_MAX) return undefined;
    const text = await readFile(file, "utf8");
    return text.includes("\0") ? undefined : { text, version: `${mtimeMs} ${size} ${ino}` };
  } catch {
    return undefined;
  }
}

/**
 * What a dev server of this machine serves under a URL of code; `undefined` for any other URL and answer, redirects
 * among them, after two seconds, and beyond 16 MiB. Only loopback hosts are ever asked.
 */
export async function fetchLoopback(url: string): Promise<string | undefined> {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname, protocol, username, password } = new URL(url);
  if (!isLoopbackOrigin(origin) || !CODE_PATH.test(pathname) || username !== "" || password !== "")
    return undefined;
  const get = protocol === "https:" ? getSecure : getPlain;
  return new Promise((resolve) => {
    const give = (text: string | undefined): void => {
      resolve(text);
      request.destroy();
    };
    const options = { signal: AbortSignal.timeout(FETCH_MS_MAX), agent: false, headers: { accept: "*/*" } };
    const request = get(url, options, (response) => {
      if (response.statusCode !== 200) return give(undefined);
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > FILE_BYTES_MAX) give(undefined);
        else chunks.push(chunk);
      });
      response.on("end", () => give(Buffer.concat(chunks).toString("utf8")));
      response.on("error", () => give(undefined));
    });
    request.on("error", () => give(undefined));
  });
}
