import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Contract } from "../correlate/contract.ts";
import { readContract } from "../correlate/contract-file.ts";
import type { ContractProposal } from "../correlate/contract-learn.ts";
import type { Dependency } from "../correlate/dependencies.ts";
import { GasolineError } from "../model/errors.ts";
import { type Checkpoint, isBaseline, readCheckpointFile, serializeCheckpoint } from "./checkpoint-file.ts";
import { nearest } from "./did-you-mean.ts";
import type { NoiseRule } from "./noise-rule.ts";
import {
  dependenciesJson,
  edgeCasesJson,
  type FiledEdgeCase,
  noiseJson,
  readDependenciesFile,
  readEdgeCasesFile,
  readNoiseFile,
} from "./state-schemas.ts";

/**
 * What outlives a run, under the state folder:
 *
 * ```
 * .gasoline/checkpoints/NAME.json     contracts/SERVICE.json     dependencies.json     edge-cases.json
 *                                     contracts/SERVICE.proposed.json                   noise-rules.json
 *                                              (learned beside a contract on file)
 * ```
 * Files are for people too: indented, sorted, and never half written (a temporary file takes the name when whole). A
 * file that cannot be read is an error that names it; one that is not there reads as empty, but for a checkpoint.
 */
export interface StateFiles {
  /** Names on file, sorted. */
  listCheckpoints(): string[];
  /** Throws `not_found` with the nearest names, or `bad_parameter` for a broken file. */
  readCheckpoint(name: string): Checkpoint;
  /**
   * The checkpoints saved as baselines. Files that cannot be read are left out: reading one by its name says why. What
   * is no baseline is read once and not again until it changes.
   */
  readBaselines(): Checkpoint[];
  /** Replaces one of the same name. Returns the path and the bytes written. */
  writeCheckpoint(checkpoint: Checkpoint): { readonly path: string; readonly bytes: number };
  deleteCheckpoint(name: string): void;
  /** All contracts, by service. Proposals are none. */
  readContracts(): Contract[];
  /** Never overwrites: where a contract is on file the proposal stands beside it. Returns the path. */
  proposeContract(proposal: ContractProposal): { readonly path: string; readonly isNew: boolean };
  readDependencies(): Dependency[];
  writeDependencies(dependencies: readonly Dependency[]): string;
  readEdgeCases(): FiledEdgeCase[];
  writeEdgeCases(edgeCases: readonly FiledEdgeCase[]): string;
  /** The JSON of a recorded flow, unread. Throws `not_found` with the nearest names. */
  readRecording(name: string): unknown;
  readNoiseRules(): NoiseRule[];
  writeNoiseRules(rules: readonly NoiseRule[]): string;
}

/** Larger files are refused before they are read. */
const FILE_BYTES_MAX = 10 * 1024 * 1024;
const CHECKPOINT_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
const PROPOSED = ".proposed.json";

/** Opens the files of one state folder, which need not exist yet. */
export function openStateFiles(stateDir: string): StateFiles {
  const checkpoints = join(stateDir, "checkpoints");
  const contracts = join(stateDir, "contracts");
  const dependencies = join(stateDir, "dependencies.json");
  const edgeCases = join(stateDir, "edge-cases.json");
  const recordings = join(stateDir, "recordings");
  const noise = join(stateDir, "noise-rules.json");
  const checkpointPath = (name: string) => join(checkpoints, `${checkpointName(name)}.json`);
  const listCheckpoints = () => namesIn(checkpoints).filter((name) => CHECKPOINT_NAME.test(name));
  const readCheckpoint = (name: string): Checkpoint => {
    const path = checkpointPath(name);
    const json = readJson(path);
    if (json === undefined) throw missingCheckpoint(name, listCheckpoints());
    return readCheckpointFile(json, path);
  };
  /** Checkpoints that are no baselines, by name, each with the state of its file when that was seen. */
  const others = new Map<string, string>();
  return {
    listCheckpoints,
    readCheckpoint,
    readBaselines: () =>
      listCheckpoints().flatMap((name) => {
        const seen = fileState(checkpointPath(name));
        if (others.get(name) === seen) return [];
        try {
          const checkpoint = readCheckpoint(name);
          if (isBaseline(checkpoint)) return [{ ...checkpoint, name }];
        } catch (error) {
          // Broken, or gone since it was listed: whoever asks for it by name is told.
          if (!(error instanceof GasolineError)) throw error;
        }
        others.set(name, seen);
        return [];
      }),
    writeCheckpoint(checkpoint) {
      const path = checkpointPath(checkpoint.name);
      const text = serializeCheckpoint(checkpoint, FILE_BYTES_MAX);
      writeWhole(path, text);
      return { path, bytes: Buffer.byteLength(text) };
    },
    deleteCheckpoint(name) {
      const path = checkpointPath(name);
      if (!isThere(path)) throw missingCheckpoint(name, listCheckpoints());
      rmSync(path);
    },
    readContracts: () =>
      namesIn(contracts)
        .filter((name) => !`${name}.json`.endsWith(PROPOSED))
        .map((name) => {
          const path = join(contracts, `${name}.json`);
          return readContract(readJson(path), serviceOf(name), path);
        }),
    proposeContract(proposal) {
      const name = fileNameOf(proposal.service);
      const isNew = !isThere(join(contracts, `${name}.json`));
      const path = join(contracts, isNew ? `${name}.json` : `${name}${PROPOSED}`);
      writeWhole(path, `${JSON.stringify(proposal, null, 2)}\n`);
      return { path, isNew };
    },
    readDependencies: () => readDependenciesFile(readJson(dependencies), dependencies),
    writeDependencies(entries) {
      writeWhole(dependencies, dependenciesJson(entries));
      return dependencies;
    },
    readEdgeCases: () => readEdgeCasesFile(readJson(edgeCases), edgeCases),
    writeEdgeCases(entries) {
      writeWhole(edgeCases, edgeCasesJson(entries));
      return edgeCases;
    },
    readRecording(name) {
      const json = CHECKPOINT_NAME.test(name) ? readJson(join(recordings, `${name}.json`)) : undefined;
      if (json !== undefined) return json;
      const near = nearest(name, namesIn(recordings));
      throw new GasolineError(
        "not_found",
        `There is no recording ${JSON.stringify(name.slice(0, 120))}.`,
        near.length > 0
          ? `Did you mean ${near.join(", ")}?`
          : 'Record one with interact {"action":"record"}.',
      );
    },
    readNoiseRules: () => readNoiseFile(readJson(noise), noise),
    writeNoiseRules(rules) {
      writeWhole(noise, noiseJson(rules));
      return noise;
    },
  };
}

/** The name if it may be one: it becomes a file's name, so no separators and no dot in front. */
export function checkpointName(name: string): string {
  if (CHECKPOINT_NAME.test(name) && !name.endsWith(".")) return name;
  throw new GasolineError(
    "bad_parameter",
    `${JSON.stringify(name.slice(0, 120))} cannot name a checkpoint.`,
    "Use 1 to 100 letters, digits, _, - and dots, a letter or digit first: happy_path_checkout.",
  );
}

function missingCheckpoint(name: string, names: readonly string[]): GasolineError {
  const near = nearest(name, names);
  const known =
    near.length > 0 ? `Did you mean ${near.join(", ")}?` : `On file: ${names.join(", ") || "none"}.`;
  return new GasolineError(
    "not_found",
    `There is no checkpoint ${name}.`,
    `${known} Save one with configure save_checkpoint.`,
  );
}

/** A service's name as a file's: what a name may not hold is percent-encoded. */
function fileNameOf(service: string): string {
  const encoded = Buffer.from(service.slice(0, 150))
    .toString("latin1")
    .replace(/[^A-Za-z0-9_.-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return encoded.replace(/^\.|\.$|^$/g, "%2e");
}

function serviceOf(fileName: string): string {
  try {
    return decodeURIComponent(fileName);
  } catch {
    // Not encoded by us: someone named the file by hand.
    return fileName;
  }
}

/** Names of the JSON files in a folder, without `.json`, sorted; none when there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => name.slice(0, -".json".length))
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw unreadable(folder, error);
  }
}

/** The JSON of a file; `undefined` when there is none. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) {
      throw new GasolineError(
        "too_large",
        `${path} has ${size} bytes; at most ${FILE_BYTES_MAX} are read.`,
        "Delete it, or save a checkpoint of a shorter time.",
      );
    }
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof GasolineError) throw error;
    if (isMissing(error)) return undefined;
    throw unreadable(path, error);
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw new GasolineError(
      "bad_parameter",
      `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
      "Mend or delete it; it was left as it is.",
    );
  }
}

function unreadable(path: string, error: unknown): GasolineError {
  const why = error instanceof Error ? error.message : String(error);
  return new GasolineError("internal", `${path} cannot be read: ${why}.`, "Check its permissions.");
}

/** Changes whenever the file is written; `""` when there is none. */
function fileState(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? "" : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Writes a file so that whoever reads it meets the old content or the new, never a part. For its owner's eyes. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, content, { flush: true, mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const why = error instanceof Error ? error.message : String(error);
    throw new GasolineError(
      "internal",
      `${path} cannot be written: ${why}.`,
      "Check the folder's permissions and free space, or give another --state-dir.",
    );
  }
}
