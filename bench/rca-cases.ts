import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type OfflineWindow, readWindow } from "../src/query/offline.ts";

/** Where the labelled cases lie when no folder is given: beside the repository, since they are not part of it. */
export const CASES_FOLDER = join(import.meta.dirname, "../../shared/data/rca");

/** One labelled fault (`cases.json`). */
export interface RcaCase {
  readonly id: string;
  readonly system: string;
  readonly fault_type: string;
  readonly root_cause_service: string;
  /** Folders of fault-free windows, relative to the data's. */
  readonly baselines: readonly string[];
  readonly has_logs: boolean;
}

/** The cases of a data folder. Throws when it has no `cases.json`. */
export async function readCases(folder: string): Promise<RcaCase[]> {
  return JSON.parse(await readFile(join(folder, "cases.json"), "utf8"));
}

/** The records of one case's faulty minute. */
export function readCaseWindow(folder: string, { id }: RcaCase): Promise<OfflineWindow> {
  return readWindow([join(folder, "cases", id)]);
}

/** What a ranking is worth: how many services have a score at least as high as the true one's; Infinity without it. */
export function rankOf(
  ranking: readonly { readonly service: string; readonly score: number }[],
  service: string,
): number {
  const own = ranking.find((entry) => entry.service === service);
  if (own === undefined) return Number.POSITIVE_INFINITY;
  return ranking.filter(({ score }) => score >= own.score).length;
}

/** Share of ranks up to 1, 3 and 5 in percent. */
export function accuracyAt(ranks: readonly number[]): readonly [number, number, number] {
  const at = (k: number) => (100 * ranks.filter((rank) => rank <= k).length) / ranks.length;
  return [at(1), at(3), at(5)];
}
