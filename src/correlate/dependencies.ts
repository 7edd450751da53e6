import type { ServiceMap } from "./service-map.ts";

export const DEPENDENCY_TYPES = ["service", "browser", "database", "messaging", "external"] as const;
export type DependencyType = (typeof DEPENDENCY_TYPES)[number];

/**
 * One line of `dependencies.json`: `from` depends on `to`. What people add to it (a note, an owner) is kept in `more`
 * and written back as it was.
 */
export interface Dependency {
  readonly from: string;
  readonly to: string;
  /** What `to` is. */
  readonly type: DependencyType;
  /** `declared` was written by hand and is never deleted nor turned into `observed`. */
  readonly source: "observed" | "declared";
  /** Day of the last call seen, `2026-01-31`; absent when none was. A day, so that the file changes rarely. */
  readonly last_seen?: string;
  readonly more?: { readonly [key: string]: unknown };
}

const DAY_CHARS = 10;

/**
 * The calls of a service map as dependencies. A message makes two: producer → destination, and destination → consumer
 * turned round, since the consumer depends on the destination.
 */
export function observedDependencies(map: ServiceMap): Dependency[] {
  const found = map.edges.map((edge): Dependency => {
    const fromQueue = edge.from.startsWith("messaging:");
    const [from, to] = fromQueue ? [edge.to, edge.from] : [edge.from, edge.to];
    const target = splitId(to);
    return {
      from: splitId(from).name,
      to: target.name,
      type: target.type,
      source: "observed",
      last_seen: new Date(Number(edge.lastNs / 1_000_000n)).toISOString().slice(0, DAY_CHARS),
    };
  });
  return mergeDependencies([], found);
}

function splitId(id: string): { readonly type: DependencyType; readonly name: string } {
  const colon = id.indexOf(":");
  return { type: id.slice(0, colon) as DependencyType, name: id.slice(colon + 1) };
}

/**
 * What is on file with what was observed since: nothing is deleted, hand edits stay, `last_seen` only moves forward.
 * Sorted by from, to and type, one entry each, so that two versions differ in the lines that changed.
 */
export function mergeDependencies(
  onFile: readonly Dependency[],
  observed: readonly Dependency[],
): Dependency[] {
  const merged = new Map<string, Dependency>();
  for (const entry of [...onFile, ...observed]) {
    const key = `${entry.from}\n${entry.to}\n${entry.type}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? entry : mergeTwo(known, entry));
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

function mergeTwo(known: Dependency, entry: Dependency): Dependency {
  const [last] = [known.last_seen, entry.last_seen]
    .filter((day) => day !== undefined)
    .sort()
    .reverse();
  return {
    ...known,
    source: known.source === "declared" || entry.source === "declared" ? "declared" : "observed",
    ...(last === undefined ? {} : { last_seen: last }),
    ...(known.more === undefined && entry.more === undefined
      ? {}
      : { more: { ...entry.more, ...known.more } }),
  };
}

/**
 * Everything that depends on one of `names`, directly or through others, with how many steps away and through what.
 * Cycles end where they meet what was reached already. Nearest first, then by name.
 */
export function dependents(
  dependencies: readonly Dependency[],
  names: readonly string[],
): { readonly name: string; readonly steps: number; readonly via: Dependency }[] {
  const callers = Map.groupBy(dependencies, (entry) => entry.to);
  const reached = new Set(names);
  const found: { readonly name: string; readonly steps: number; readonly via: Dependency }[] = [];
  let border = [...reached].sort();
  for (let steps = 1; border.length > 0; steps++) {
    const next: string[] = [];
    for (const name of border) {
      for (const via of callers.get(name) ?? []) {
        if (reached.has(via.from)) continue;
        reached.add(via.from);
        next.push(via.from);
        found.push({ name: via.from, steps, via });
      }
    }
    border = next.sort();
  }
  return found.sort((a, b) => a.steps - b.steps || (a.name < b.name ? -1 : 1));
}
