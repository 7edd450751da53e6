import { type FileHandle, open, stat } from "node:fs/promises";
import type { Clock } from "../model/time.ts";

/** Where reading of a file stands: which file (a name can come to mean another), and how far. */
export interface FilePosition {
  readonly device: number;
  readonly inode: number;
  readonly offset: number;
}

/** Follows one name through appends, rotation by rename, truncation, and times when there is no such file. */
export interface FileTail {
  /** Reads all that is new. Call it whenever something may have changed; it does nothing when nothing has. */
  poll(): Promise<void>;
  /** `undefined` while nothing was opened yet. */
  position(): FilePosition | undefined;
  close(): Promise<void>;
}

export interface FileTailOptions {
  readonly path: string;
  /**
   * Where to start in the file found first: at a position kept from before when it is still the same file, at its
   * start, or at its end. Every later file under this name is read from its start.
   */
  readonly from: FilePosition | "start" | "end";
  readonly onData: (chunk: Uint8Array) => void;
  /** What was read so far ends here: the file was replaced or truncated. */
  readonly onBreak: () => void;
  /** False while nobody can take more; the file waits. */
  readonly hasRoom: () => boolean;
  readonly clock: Clock;
}

/**
 * A file that is being read. `head` holds its first bytes, to tell when it was truncated and has grown again;
 * `changedMs` is its modification time when they were last compared.
 */
interface OpenFile {
  readonly handle: FileHandle;
  readonly device: number;
  readonly inode: number;
  offset: number;
  head: Buffer;
  changedMs: number;
}

const CHUNK_BYTES = 64 * 1024;
const HEAD_BYTES = 128;
/** A program goes on writing to a renamed file until it is told to reopen its log. */
const LEAVING_MS = 5_000;

/** An open handle keeps the inode from being given to another file, so that inodes can be compared safely. */
export function createFileTail(options: FileTailOptions): FileTail {
  const { path, clock } = options;
  let current: OpenFile | undefined;
  let leaving: { file: OpenFile; untilMs: number } | undefined;
  let first = true;
  let polling: Promise<void> | undefined;
  let again = false;
  let closed = false;

  async function pollOnce(): Promise<void> {
    if (leaving !== undefined) await readOn(leaving.file);
    if (current !== undefined) await readOn(current);
    const named = await statOf(path);
    if (named !== undefined && !isSame(current, named)) {
      if (current !== undefined) {
        await leaving?.file.handle.close();
        leaving = { file: current, untilMs: clock.nowMs() + LEAVING_MS };
        options.onBreak();
      }
      current = await openAt(startOf(named));
      if (current !== undefined) await readOn(current);
    }
    first = false;
    if (leaving !== undefined && clock.nowMs() >= leaving.untilMs) {
      await leaving.file.handle.close();
      leaving = undefined;
    }
  }

  function startOf(named: Identity): number {
    if (!first || options.from === "start") return 0;
    if (options.from === "end") return named.size;
    const kept = options.from;
    return kept.inode === named.inode && kept.device === named.device && kept.offset <= named.size
      ? kept.offset
      : 0;
  }

  async function openAt(offset: number): Promise<OpenFile | undefined> {
    const handle = await open(path, "r").catch(ignoreAbsence);
    if (handle === undefined) return undefined;
    const { dev, ino, size, mtimeMs } = await handle.stat();
    return {
      ...{ handle, device: dev, inode: ino, offset: Math.min(offset, size) },
      head: await readAt(handle, 0, Math.min(HEAD_BYTES, offset)),
      changedMs: mtimeMs,
    };
  }

  async function readOn(file: OpenFile): Promise<void> {
    const { size, mtimeMs } = await file.handle.stat();
    if (size === file.offset && mtimeMs === file.changedMs) return;
    file.changedMs = mtimeMs;
    if (size < file.offset || !(await startsAsBefore(file))) {
      options.onBreak();
      file.offset = 0;
      file.head = Buffer.alloc(0);
    }
    while (!closed && options.hasRoom()) {
      const chunk = await readAt(file.handle, file.offset, CHUNK_BYTES);
      if (chunk.length === 0) return;
      if (file.head.length < HEAD_BYTES && file.offset === file.head.length) {
        file.head = Buffer.concat([file.head, chunk.subarray(0, HEAD_BYTES - file.head.length)]);
      }
      file.offset += chunk.length;
      options.onData(chunk);
    }
  }

  return {
    poll: () => {
      // One at a time; a call during a poll makes one more after it, so that nothing written meanwhile is missed.
      if (polling !== undefined) {
        again = true;
        return polling;
      }
      polling = (async () => {
        do {
          again = false;
          await pollOnce();
        } while (again && !closed);
      })().finally(() => {
        polling = undefined;
      });
      return polling;
    },
    position: () =>
      current === undefined
        ? undefined
        : { device: current.device, inode: current.inode, offset: current.offset },
    close: async () => {
      closed = true;
      await polling;
      await leaving?.file.handle.close();
      await current?.handle.close();
    },
  };
}

interface Identity {
  readonly device: number;
  readonly inode: number;
  readonly size: number;
}

async function statOf(path: string): Promise<Identity | undefined> {
  const found = await stat(path).catch(ignoreAbsence);
  if (found === undefined || !found.isFile()) return undefined;
  return { device: found.dev, inode: found.ino, size: found.size };
}

function isSame(file: OpenFile | undefined, named: Identity): boolean {
  return file !== undefined && file.inode === named.inode && file.device === named.device;
}

async function startsAsBefore({ handle, head }: OpenFile): Promise<boolean> {
  return head.length === 0 || head.equals(await readAt(handle, 0, head.length));
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0);
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafeSlow(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** No such file now, or none that may be read now: both can change. */
function ignoreAbsence(error: unknown): undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR") return undefined;
  throw error;
}
