import { isAbsolute } from "node:path";
import { pathToFileURL } from "node:url";
import { GasolineError } from "../model/errors.ts";
import type { ErrorGroup } from "../query/error-groups.ts";
import { clean } from "../query/render/clean.ts";
import { count, isoTime } from "../query/render/units.ts";
import { VERSION } from "../version.ts";
import { codePlaceOf, fileFrom } from "./code-place.ts";
import type { Artifact } from "./generate.ts";
import { type GenerateQuestion, readErrors } from "./records.ts";
import { escapeUnseen } from "./source-text.ts";

/** SARIF 2.1.0, the part that is written (https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html). */
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: "error";
  readonly message: { readonly text: string };
  readonly locations: readonly object[];
  readonly partialFingerprints: { readonly "gasolineError/v1": string };
  readonly occurrenceCount: number;
  readonly properties: object;
}

/**
 * The distinct errors of the scope as SARIF, for code scanning and editors. Files under the folder that the daemon
 * runs in are relative to `%SRCROOT%`. An error of which no place in the code is known has only its operation.
 */
export async function errorsAsSarif(question: GenerateQuestion): Promise<Artifact> {
  const groups = await readErrors(question);
  if (groups.length === 0) {
    throw new GasolineError(
      "not_found",
      "No error of that scope is held.",
      'Widen since; observe {"what":"errors"} lists what failed.',
    );
  }
  const placed = groups.filter(({ sample }) => codePlaceOf(sample) !== undefined).length;
  return {
    fileName: "errors.sarif",
    mediaType: "application/sarif+json",
    about: `SARIF 2.1.0 of ${count(groups.length, "distinct error")}, ${placed} with a place in the code.`,
    noun: "error",
    rowsMax: groups.length,
    write: (rows) => sarifText(groups.slice(0, rows), process.cwd()),
    next: [],
  };
}

/** A log file of one run. `root` is the folder that `%SRCROOT%` stands for. */
export function sarifText(groups: readonly ErrorGroup[], root: string): string {
  const rules = [...new Set(groups.map(ruleOf))];
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "gasoline",
            semanticVersion: VERSION,
            rules: rules.map((id) => ({ id, shortDescription: { text: `${id} at run time` } })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: groups.map((group) => resultOf(group, rules, root)),
      },
    ],
  };
  return escapeUnseen(JSON.stringify(log, null, 1));
}

function resultOf(group: ErrorGroup, rules: readonly string[], root: string): Result {
  const { fingerprint, service, message, operations, sample } = group;
  const ruleId = ruleOf(group);
  const place = codePlaceOf(sample);
  return {
    ruleId,
    ruleIndex: rules.indexOf(ruleId),
    level: "error",
    message: { text: clean(`${service}: ${message || ruleId}`, 500) },
    locations: [
      {
        ...(place === undefined
          ? {}
          : {
              physicalLocation: {
                artifactLocation: artifactOf(fileFrom(place, root)),
                ...(place.line > 0
                  ? {
                      region: {
                        startLine: place.line,
                        ...(place.column > 0 ? { startColumn: place.column } : {}),
                      },
                    }
                  : {}),
              },
            }),
        logicalLocations: [
          {
            fullyQualifiedName: clean(`${service}/${operations[0] ?? sample.spanId}`, 200),
            kind: "function",
          },
        ],
      },
    ],
    partialFingerprints: { "gasolineError/v1": fingerprint },
    occurrenceCount: group.count,
    properties: {
      traceId: sample.traceId,
      recordId: sample.id,
      firstSeen: isoTime(group.firstSeenNs),
      lastSeen: isoTime(group.lastSeenNs),
      propagatedTo: group.propagatedTo,
    },
  };
}

function ruleOf({ type }: ErrorGroup): string {
  return clean(type, 100) || "error";
}

/** A file as SARIF names it: relative to the root, else as a URI. */
function artifactOf(file: string): { readonly uri: string; readonly uriBaseId?: string } {
  if (/^https?:/.test(file) && URL.canParse(file)) return { uri: new URL(file).href };
  if (isAbsolute(file)) return { uri: pathToFileURL(file).href };
  return { uri: file.split("/").map(encodeURIComponent).join("/"), uriBaseId: "%SRCROOT%" };
}
