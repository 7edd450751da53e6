import { type FSWatcher, mkdirSync, watch } from "node:fs";
import { join } from "node:path";
import type { HrTime } from "@opentelemetry/api";
import type { Clock } from "../model/time.ts";
import { createFileTail, type FilePosition } from "./file-tail.ts";
import { changedBetween, type FileChange, readHunks, readWorkTree, type WorkTree } from "./git-changes.ts";
import { branchBefore, type HeadMove, parseReflogLine } from "./git-reflog.ts";
import {
  type Head,
  headAttributes,
  type Repository,
  readHead,
  repositoryAttributes,
} from "./git-repository.ts";
import { createLineSplitter } from "./line-split.ts";
import type { OtlpClient, SendableAttributes } from "./otlp-client.ts";
import { vcsAttributes } from "./vcs-attributes.ts";

export interface GitOptions {
  readonly repository: Repository;
  readonly client: OtlpClient;
  readonly clock: Clock;
  /** Where reading of the reflog goes on; `"end"`: only what comes. */
  readonly from: FilePosition | "end";
  /** Also what changed in files, not only that they did. */
  readonly hunks: boolean;
  readonly tell: (message: string) => void;
}

/** Tells of moves of HEAD and of changed files. */
export interface GitWatch {
  /** Looks at once for what is new. */
  poll(): Promise<void>;
  /** Moves of HEAD alone; changed files are left to a watch that stays. */
  pollHead(): Promise<void>;
  position(): FilePosition | undefined;
  close(): Promise<void>;
}

/** Names and files that one event or one look tells of; the rest is counted. */
const FILES_MAX = 100;
const SEVERITY_INFO = 9;
/** `git status` may take this share of the time, so that a huge repository is looked at less often. */
const BUSY_SHARE = 0.1;
const LOOK_MS_MIN = 1_000;
const JUST_NOW_MS = 3_000;

/**
 * HEAD's reflog is followed as the file it is: git writes every commit, checkout, merge and step of a rebase there, in
 * order, in each work tree apart. Changed files are found by asking git again and again.
 */
export function watchRepository(options: GitOptions): GitWatch {
  const { repository, clock, tell } = options;
  const source = options.client.source(repositoryAttributes(repository));
  const moves: HeadMove[] = [];
  const startS = Math.floor(clock.nowMs() / 1000);
  let known: WorkTree = new Map();
  let head: Head | undefined;
  let rewritten = false;
  let slow = false;

  const lines = createLineSplitter((line) => {
    const move = parseReflogLine(line);
    // `git reflog expire` writes the file anew: what stood in it before is not news.
    if (move !== undefined && !(rewritten && move.time[0] < startS)) moves.push(move);
  });
  const logs = join(repository.gitDir, "logs");
  mkdirSync(logs, { recursive: true });
  const reflog = createFileTail({
    path: join(logs, "HEAD"),
    from: options.from,
    onData: (chunk) => lines.push(chunk),
    onBreak: () => {
      rewritten = true;
      lines.end();
    },
    hasRoom: () => true,
    clock,
  });

  async function pollHead(): Promise<void> {
    await reflog.poll();
    const fresh = moves.splice(0);
    if (fresh.length === 0) return;
    // What git says of HEAD holds after the last of them.
    let { branch } = await readHead(repository);
    const branches = fresh.toReversed().map((move) => {
      const after = branch;
      branch = branchBefore(move, after);
      return after;
    });
    for (const [i, move] of fresh.entries()) await tellMove(move, branches.at(-1 - i));
  }

  async function tellMove(move: HeadMove, branch: string | undefined): Promise<void> {
    const files = await changedBetween(repository.root, move.from, move.to);
    source.log({
      time: exactTime(move.time, clock.nowMs()),
      severity: SEVERITY_INFO,
      eventName: move.event,
      body: `${move.to.slice(0, 8)} ${move.message}`,
      attributes: {
        ...headAttributes({ revision: move.to, branch }),
        ...(/^0+$/.test(move.from) ? {} : { "vcs.ref.base.revision": move.from }),
        ...fileList(files),
      },
    });
  }

  async function pollFiles(): Promise<void> {
    const now = await readHead(repository);
    const before = known;
    const tree = await readWorkTree(repository, now);
    const changes = [...tree.values()].filter(
      ({ change, stamp }) => before.get(change.path)?.stamp !== stamp,
    );
    const gone = [...before.values()].filter(({ change }) => !tree.has(change.path));
    // A file that no longer differs was taken back, unless HEAD came to where it is.
    const taken: FileChange[] =
      head?.revision === now.revision
        ? gone.map(({ change }) => ({ path: change.path, status: "reverted", added: 0, removed: 0 }))
        : [];
    known = tree;
    head = now;
    const all = [...changes.map(({ change }) => change), ...taken];
    if (all.length === 0) return;
    const state = { ...headAttributes(now), ...(await diffHash(repository.root)) };
    for (const change of all.slice(0, FILES_MAX)) await tellChange(change, state);
    if (all.length > FILES_MAX) tellRest(all.slice(FILES_MAX), state);
  }

  async function tellChange(change: FileChange, state: SendableAttributes): Promise<void> {
    const { path, status, added, removed } = change;
    const hunks = options.hunks && status !== "reverted" ? await readHunks(repository.root, path) : "";
    source.log({
      severity: SEVERITY_INFO,
      eventName: "gasoline.git.change",
      body: `${status} ${path}${added === undefined ? "" : ` +${added} -${removed}`}`,
      attributes: {
        ...state,
        "code.file.path": path,
        "gasoline.git.change.status": status,
        ...lineAttributes([change]),
        ...(hunks === "" ? {} : { "gasoline.git.hunks": hunks }),
      },
    });
  }

  function tellRest(rest: readonly FileChange[], state: SendableAttributes): void {
    source.log({
      severity: SEVERITY_INFO,
      eventName: "gasoline.git.change",
      body: `${rest.length} more files changed`,
      attributes: { ...state, ...fileList(rest) },
    });
  }

  async function poll(): Promise<void> {
    try {
      await pollHead();
      await pollFiles();
      slow = false;
    } catch (error) {
      // A lock, a time limit, a work tree that is being moved: the next look may succeed.
      if (!slow) tell(`${error instanceof Error ? error.message : String(error)} Looking again later.`);
      slow = true;
    }
  }

  const looking = keepLooking(logs, poll);
  return {
    poll: looking.now,
    pollHead,
    position: () => reflog.position(),
    close: async () => {
      await looking.close();
      await reflog.close();
    },
  };
}

/** Calls `look` on request, when something in `folder` changes, and again after a pause that grows with its cost. */
function keepLooking(
  folder: string,
  look: () => Promise<void>,
): { now(): Promise<void>; close(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let closed = false;

  /** One look at a time; a call during one makes another after it, so that nothing done meanwhile is missed. */
  function now(): Promise<void> {
    clearTimeout(timer);
    again = true;
    running ??= lookOn().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function lookOn(): Promise<void> {
    let tookMs = 0;
    while (again && !closed) {
      again = false;
      const start = performance.now();
      await look();
      tookMs = performance.now() - start;
    }
    if (!closed) timer = setTimeout(() => void now(), Math.max(LOOK_MS_MIN, tookMs / BUSY_SHARE));
  }

  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, () => void now());
    watcher.on("error", () => watcher?.close());
  } catch {
    // No watches left: the pauses between two looks have to do.
  }
  return {
    now,
    close: async () => {
      closed = true;
      watcher?.close();
      await running;
      clearTimeout(timer);
    },
  };
}

/** What test runs carry as well, so that a change can be told from what a run has tested. */
async function diffHash(root: string): Promise<SendableAttributes> {
  const { "gasoline.vcs.diff_hash": hash } = await vcsAttributes(root);
  return hash === undefined ? {} : { "gasoline.vcs.diff_hash": hash };
}

/** The reflog has whole seconds: what was done just now is told as now, so that it stands in order with the rest. */
function exactTime(time: HrTime, nowMs: number): HrTime | undefined {
  const agoMs = nowMs - time[0] * 1000;
  return agoMs >= 0 && agoMs < JUST_NOW_MS ? undefined : time;
}

function fileList(files: readonly FileChange[]): SendableAttributes {
  if (files.length === 0) return {};
  return {
    "gasoline.git.files": files.slice(0, FILES_MAX).map(({ path }) => path),
    "gasoline.git.files.count": files.length,
    ...lineAttributes(files),
  };
}

/** Counts of lines; `vcs.line_change.type` where they are all of one type. */
function lineAttributes(files: readonly FileChange[]): SendableAttributes {
  const counted = files.filter(({ added }) => added !== undefined);
  if (counted.length === 0) return {};
  const added = counted.reduce((sum, file) => sum + (file.added ?? 0), 0);
  const removed = counted.reduce((sum, file) => sum + (file.removed ?? 0), 0);
  const type = added > 0 && removed === 0 ? "added" : removed > 0 && added === 0 ? "removed" : undefined;
  return {
    "gasoline.git.lines.added": added,
    "gasoline.git.lines.removed": removed,
    ...(type === undefined ? {} : { "vcs.line_change.type": type }),
  };
}
