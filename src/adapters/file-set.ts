import { type FSWatcher, watch } from "node:fs";
import { glob } from "node:fs/promises";
import { basename, dirname, extname, resolve } from "node:path";
import type { Clock } from "../model/time.ts";
import { createFileTail, type FilePosition, type FileTail } from "./file-tail.ts";
import { createLineReader, type LineReader } from "./line-reader.ts";
import type { OtlpClient } from "./otlp-client.ts";

/** Positions by absolute path, kept from one run to the next. */
export type FilePositions = { readonly [path: string]: FilePosition };

export interface FileSetOptions {
  /** Files and glob patterns. A file need not exist yet. */
  readonly patterns: readonly string[];
  readonly client: OtlpClient;
  readonly clock: Clock;
  /** `service.name` of all lines; absent: the file's name without its ending. */
  readonly service: string | undefined;
  /** Also what files already hold when they are first seen, not only what is added. */
  readonly fromStart: boolean;
  readonly positions: FilePositions;
  readonly warn: (message: string) => void;
}

/** Follows files, those that come to match a pattern later too. */
export interface FileSet {
  /** Absolute paths that are followed now. */
  paths(): readonly string[];
  positions(): FilePositions;
  /** Reads what is new in all of them, now. */
  poll(): Promise<void>;
  close(): Promise<void>;
}

/** A change is told by the file system at once where it can (inotify, FSEvents); this is for where it cannot. */
const POLL_MS = 500;

interface Followed {
  readonly tail: FileTail;
  readonly reader: LineReader;
}

/** Starts following; resolves when every file that exists was found, and read as far as it is to be. */
export async function followFiles(options: FileSetOptions): Promise<FileSet> {
  const { client, clock, warn } = options;
  const followed = new Map<string, Followed>();
  const watchers = new Map<string, FSWatcher>();
  let started = false;

  function follow(path: string): void {
    if (followed.has(path)) return;
    const name = basename(path);
    const source = client.source({
      "service.name": options.service ?? (basename(path, extname(path)) || name),
    });
    const reader = createLineReader({
      clock,
      attributes: { "log.file.path": path, "log.file.name": name },
      onRecord: (record) => source.log(record),
    });
    const tail = createFileTail({
      path,
      from: options.positions[path] ?? (options.fromStart || started ? "start" : "end"),
      onData: (chunk) => reader.push(chunk),
      onBreak: () => reader.end(),
      hasRoom: () => client.hasRoom(),
      clock,
    });
    followed.set(path, { tail, reader });
    watchFolder(dirname(path));
  }

  function watchFolder(folder: string): void {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        const one = name === null ? undefined : followed.get(resolve(folder, name));
        if (one === undefined) void poll();
        else one.tail.poll().catch(complain);
      });
      // A folder that is removed: polling finds it when it is back.
      watcher.on("error", () => watchers.delete(folder));
      watchers.set(folder, watcher);
    } catch {
      // No such folder yet, or no watches left: polling finds its files.
    }
  }

  async function findFiles(): Promise<void> {
    for (const pattern of options.patterns) {
      if (!isPattern(pattern)) follow(resolve(pattern));
      else for await (const path of glob(pattern)) follow(resolve(path));
    }
  }

  async function poll(): Promise<void> {
    await findFiles();
    for (const path of followed.keys()) watchFolder(dirname(path));
    await Promise.all([...followed.values()].map(({ tail }) => tail.poll())).catch(complain);
  }

  function complain(error: unknown): void {
    warn(`A file cannot be followed: ${error instanceof Error ? error.message : String(error)}`);
  }

  await poll();
  started = true;
  const timer = setInterval(() => void poll(), POLL_MS);
  return {
    paths: () => [...followed.keys()],
    positions: () =>
      Object.fromEntries(
        [...followed].flatMap(([path, { tail }]) => {
          const position = tail.position();
          return position === undefined ? [] : [[path, position]];
        }),
      ),
    poll,
    close: async () => {
      clearInterval(timer);
      for (const watcher of watchers.values()) watcher.close();
      for (const { tail, reader } of followed.values()) {
        await tail.close();
        reader.end();
      }
    },
  };
}

function isPattern(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}
