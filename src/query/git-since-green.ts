import { vcsAttributes } from "../adapters/vcs-attributes.ts";
import type { SourceReader } from "../enrich/source-reader.ts";
import { stringAttribute } from "../model/attributes.ts";
import type { TelemetryStore } from "../store/telemetry-store.ts";
import type { TestRuns } from "./code-tests.ts";
import { type GreenRun, readSuiteRuns, type SuiteRun } from "./tests-runs.ts";

/** Files that differ between what the last green run tested and now. */
export interface ChangesSinceGreen {
  readonly green: GreenRun | undefined;
  /** `undefined` when they cannot be told: `why`. */
  readonly files: readonly string[] | undefined;
  /** What `files` rest on: the working tree compared with that run's commit, or what git told meanwhile. */
  readonly from: "working tree" | "git events";
  readonly why: string | undefined;
  /** True: the last run did not pass although revision and uncommitted changes were those of the green one. */
  readonly sameFilesFailed: boolean;
}

const WRITTEN_ASKED_MAX = 500;
const EVENTS_READ_MAX = 1_000;

/**
 * Compares the working tree with what the last green run tested: by revision and hash where the run told them (equal means that
 * nothing changed at all). Where the sources cannot be read, what git told since that run began has to do.
 */
export async function changesSinceGreen(
  store: TelemetryStore,
  reader: SourceReader | undefined,
  { lastGreen: green, why: whyNone }: TestRuns,
): Promise<ChangesSinceGreen> {
  if (green === undefined) {
    return { green, files: undefined, from: "git events", why: whyNone, sameFilesFailed: false };
  }
  const sameFilesFailed = isSameFiles(green, (await readSuiteRuns(store))[0]);
  const told = { green, sameFilesFailed } as const;
  const files = reader === undefined ? undefined : await changedFiles(reader, green);
  if (files !== undefined) return { ...told, files, from: "working tree", why: undefined };
  const events = await filesTold(store, green.startNs);
  const why =
    green.revision === undefined
      ? "that run did not say which commit it ran"
      : reader === undefined
        ? "sources are only read by a running daemon, in its workspace"
        : "git does not know the commit it ran";
  return { ...told, files: events.length === 0 ? undefined : events, from: "git events", why };
}

/** Whether a run that did not pass tested what the green one did. */
function isSameFiles(green: GreenRun, last: SuiteRun | undefined): boolean {
  return (
    last?.status === "failure" &&
    last.startNs > green.startNs &&
    green.revision !== undefined &&
    last.revision === green.revision &&
    last.diffHash === green.diffHash
  );
}

async function changedFiles(reader: SourceReader, green: GreenRun): Promise<readonly string[] | undefined> {
  if (green.revision === undefined) return undefined;
  const [files, now] = await Promise.all([reader.changedSince(green.revision), vcsAttributes(reader.root)]);
  if (files === undefined || green.diffHash === "") return files;
  const hash = now["gasoline.vcs.diff_hash"] ?? "";
  if (now["vcs.ref.head.revision"] === green.revision && hash === green.diffHash) return [];
  // What already differed from the commit when the tests passed, and was not written since, is as it was then.
  const written = await Promise.all(
    files.slice(0, WRITTEN_ASKED_MAX).map(async (path) => {
      const facts = await reader.factsOf(path, 0);
      return facts === undefined || BigInt(Math.floor(facts.writtenMs)) * 1_000_000n >= green.startNs;
    }),
  );
  return files.filter((_, i) => written[i] ?? true);
}

/** Files of the commits and changes that git told of since then, each once, the newest first. */
async function filesTold(store: TelemetryStore, sinceNs: bigint): Promise<readonly string[]> {
  const { records } = await store.records({
    filter: { kinds: ["log"], streams: ["git"], sinceNs },
    order: "newest",
    limit: EVENTS_READ_MAX,
  });
  const files = records.flatMap(({ attributes }) => {
    const list = attributes["gasoline.git.files"];
    const path = stringAttribute(attributes, "code.file.path");
    const many = Array.isArray(list) ? list.filter((each) => typeof each === "string") : [];
    return path === undefined ? many : [path, ...many];
  });
  return [...new Set(files)];
}
