import type { CheckpointSummary } from "../correlate/regression-summary.ts";
import { GasolineError } from "../model/errors.ts";
import type { Checkpoint, CheckpointMetadata } from "./checkpoint-file.ts";
import type { StateFiles } from "./state-files.ts";

/** A checkpoint that others are compared with unless something else is named. */
export interface Baseline {
  readonly name: string;
  readonly summary: CheckpointSummary;
  /** Unix ms of its last record; absent in a file that does not tell. */
  readonly lastMs?: number;
}

/** Baselines read for one question, the newest first: each file may hold megabytes. */
const BASELINES_MAX = 5;

/** A checkpoint on file, or why it cannot be read. */
export type FiledCheckpoint =
  | { readonly name: string; readonly checkpoint: Checkpoint }
  | { readonly name: string; readonly problem: string };

/** Every checkpoint on file by name; a broken one with its problem, so that it does not hide the others. */
export function checkpointsOnFile(state: StateFiles): FiledCheckpoint[] {
  return state.listCheckpoints().map((name) => {
    try {
      return { name, checkpoint: state.readCheckpoint(name) };
    } catch (error) {
      if (!(error instanceof GasolineError)) throw error;
      return { name, problem: error.message };
    }
  });
}

/**
 * The newest baselines on file, at most five, without the one called `except`; none when there are none. Files that
 * cannot be read are left out: list_checkpoints and doctor name them.
 */
export function baselinesOnFile(state: StateFiles, except?: string): Baseline[] {
  const found = state
    .readBaselines()
    .flatMap(({ name, summary, timestamp, metadata }) =>
      summary === undefined || name === except ? [] : [{ name, summary, timestamp, ...endOf(metadata) }],
    );
  found.sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1));
  return found.slice(0, BASELINES_MAX).map(({ timestamp: _saved, ...baseline }) => baseline);
}

function endOf({ last_record_ms: lastMs }: CheckpointMetadata): { lastMs?: number } {
  return lastMs !== undefined && Number.isSafeInteger(Math.ceil(lastMs)) ? { lastMs: Math.ceil(lastMs) } : {};
}
