import type { Span } from "../model/span.ts";
import { type Contract, findEndpoint } from "./contract.ts";
import { type Dependency, dependents } from "./dependencies.ts";
import { type EdgeCase, edgeCaseMatcher, nearestTests } from "./edge-case.ts";
import {
  counted,
  type Evidence,
  evidenceOf,
  type Finding,
  type Method,
  type Report,
  reportOf,
  rounded,
} from "./finding.ts";
import { isBrowserSpan } from "./host.ts";
import { type ImpactTarget, startingPoints, type Visit, walkUp } from "./impact-walk.ts";
import { type OperationNamer, operationNamer, textOf } from "./operation.ts";
import { testRunOf } from "./test-case.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** What is known beside the traces. */
export interface ImpactContext {
  readonly dependencies: readonly Dependency[];
  readonly contracts: readonly Contract[];
  readonly edgeCases: readonly EdgeCase[];
}

export type ImpactKind = "service" | "endpoint" | "page" | "test" | "contract" | "edge_case";

export interface ImpactFinding extends Finding {
  readonly kind: ImpactKind;
  readonly name: string;
  /** Spans through which it was reached; 0 when only a declared edge leads there. */
  readonly count: number;
  /** ISO 8601 of the last of them; absent when none was seen. */
  readonly last_seen?: string;
}

export interface ImpactReport extends Report<"impact" | "none" | "unknown", ImpactFinding> {
  /** Names reached, by kind, most evidence first; at most 50 each. */
  readonly reached: Readonly<Record<ImpactKind, readonly string[]>>;
  /** How many were reached in all, by kind. */
  readonly counts: Readonly<Record<ImpactKind, number>>;
  /** Targets that nothing observed could be tied to, with the reason. */
  readonly unknown: readonly { readonly target: string; readonly reason: string }[];
}

const KINDS: readonly ImpactKind[] = ["test", "endpoint", "page", "service", "contract", "edge_case"];
const NAMES_SHOWN = 50;
/** How sure a step along an edge on file is. */
const CONFIDENCE = { declared: 0.7, observed: 0.8 } as const;

/** Something reached, while it is being gathered. */
interface Reached {
  readonly kind: ImpactKind;
  readonly name: string;
  method: Method;
  confidence: number;
  count: number;
  lastNs: bigint;
  readonly evidence: Evidence[];
}

/**
 * What a change may break: everything that, in the traces, led to the code changed. From each span of the target the
 * walk goes up to its callers, and over span links to what handed it work; on the way it meets endpoints, pages, tests
 * and services, then the contracts and edge cases on file for them. Services that only declared edges of
 * `dependencies.json` lead to are added, less sure. Every span is visited once, so cycles end. O(n) in spans.
 */
export function analyzeImpact(
  target: ImpactTarget,
  trees: readonly TraceTree[],
  context: ImpactContext,
): ImpactReport {
  const start = startingPoints(target, trees);
  const visits = walkUp(start.visits, trees);
  const gathered = new Map<string, Reached>();
  const nameOf = operationNamer();
  for (const visit of visits.values()) gather(gathered, visit, nameOf);
  addDeclared(gathered, context.dependencies, target.service);
  addContracts(gathered, visits, context.contracts);
  addEdgeCases(gathered, visits, context.edgeCases, nameOf);

  const all = [...gathered.values()].sort(
    (a, b) =>
      KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count || (a.name < b.name ? -1 : 1),
  );
  const findings = spreadOverKinds(all).map(findingOf);
  const ofKind = (kind: ImpactKind) => all.filter((reached) => reached.kind === kind);
  const table = <T>(value: (kind: ImpactKind) => T) =>
    Object.fromEntries(KINDS.map((kind) => [kind, value(kind)])) as Record<ImpactKind, T>;
  const counts = table((kind) => ofKind(kind).length);
  const verdict = findings.length > 0 ? "impact" : start.unknown.length > 0 ? "unknown" : "none";
  return {
    ...reportOf(verdict, summaryText(verdict, counts, start.unknown), findings),
    reached: table((kind) =>
      ofKind(kind)
        .slice(0, NAMES_SHOWN)
        .map(({ name }) => name),
    ),
    counts,
    unknown: start.unknown,
  };
}

/** Counts what a visited span is: a service's, an endpoint, a page's, a test. */
function gather(gathered: Map<string, Reached>, visit: Visit, nameOf: OperationNamer): void {
  const { span } = visit.node;
  const isBrowser = isBrowserSpan(span);
  const test = testRunOf(span);
  if (test !== undefined) count(gathered, "test", test.id, visit);
  else count(gathered, "service", span.resource.service, visit);
  if (span.spanKind === "server") {
    count(gathered, "endpoint", `${span.resource.service} ${nameOf(span)}`, visit);
  }
  const page = isBrowser ? pageOf(span) : undefined;
  if (page !== undefined) count(gathered, "page", page, visit);
}

/** Path of the page that a browser span ran in. A call's own URL is no page. */
function pageOf(span: Span): string | undefined {
  const own = span.spanKind === "client" ? [] : ["url.full", "http.url"];
  const url = textOf(span.attributes, "browser.url", "browser.page.url", "location.href", ...own);
  const path = url === undefined ? null : URL.parse(url);
  return path === null ? url?.split(/[?#]/, 1)[0] : path.origin + path.pathname;
}

function count(gathered: Map<string, Reached>, kind: ImpactKind, name: string, visit: Visit): void {
  const { span } = visit.node;
  const reached = reach(gathered, kind, name, visit.method, visit.confidence);
  reached.count += 1;
  if (span.startNs > reached.lastNs) {
    reached.lastNs = span.startNs;
    // The latest ones: what was seen long ago may have changed since.
    reached.evidence.unshift(evidenceOf(span));
    reached.evidence.length = Math.min(3, reached.evidence.length);
  }
}

function reach(
  gathered: Map<string, Reached>,
  kind: ImpactKind,
  name: string,
  method: Method,
  confidence: number,
): Reached {
  const key = `${kind} ${name}`;
  let reached = gathered.get(key);
  if (reached === undefined) {
    reached = { kind, name, method, confidence, count: 0, lastNs: 0n, evidence: [] };
    gathered.set(key, reached);
  }
  if (confidence > reached.confidence) {
    reached.confidence = confidence;
    reached.method = method;
  }
  return reached;
}

/** Services that the dependencies on file lead to and that no trace did, less sure with every step. */
function addDeclared(
  gathered: Map<string, Reached>,
  dependencies: readonly Dependency[],
  asked: string | undefined,
): void {
  const services = [...gathered.values()].filter(({ kind }) => kind === "service");
  const names = [...services.map(({ name }) => name), ...(asked === undefined ? [] : [asked])];
  for (const { name, steps, via } of dependents(dependencies, names)) {
    reach(gathered, "service", name, "attribute", CONFIDENCE[via.source] ** steps);
  }
}

/** Contracts of the endpoints met. */
function addContracts(
  gathered: Map<string, Reached>,
  visits: ReadonlyMap<TraceNode, Visit>,
  contracts: readonly Contract[],
): void {
  if (contracts.length === 0) return;
  const byService = new Map(contracts.map((contract) => [contract.service, contract]));
  for (const visit of visits.values()) {
    const { span } = visit.node;
    const contract = span.spanKind === "server" ? byService.get(span.resource.service) : undefined;
    const method = textOf(span.attributes, "http.request.method", "http.method");
    if (contract === undefined || method === undefined) continue;
    const path = textOf(span.attributes, "url.path", "http.target") ?? "";
    const endpoint = findEndpoint(
      contract,
      method.toUpperCase(),
      textOf(span.attributes, "http.route"),
      path,
    );
    if (endpoint === undefined) continue;
    count(gathered, "contract", `${contract.service} ${endpoint.method} ${endpoint.route}`, visit);
  }
}

/** Edge cases that a span met exercises. */
function addEdgeCases(
  gathered: Map<string, Reached>,
  visits: ReadonlyMap<TraceNode, Visit>,
  edgeCases: readonly EdgeCase[],
  nameOf: OperationNamer,
): void {
  if (edgeCases.length === 0) return;
  const matchers = edgeCases.map(({ name, match }) => ({ name, matches: edgeCaseMatcher(match) }));
  for (const [tree, ofTree] of Map.groupBy(visits.values(), (visit) => visit.tree)) {
    const tests = nearestTests(tree.nodes);
    for (const visit of ofTree) {
      const test = tree.nodes[tests[visit.node.index]!]?.span;
      const id = test === undefined ? undefined : testRunOf(test)?.id;
      for (const { name, matches } of matchers) {
        if (matches(visit.node, nameOf, id)) count(gathered, "edge_case", name, visit);
      }
    }
  }
}

/** The first of each kind before the second of any, so that ten findings show every kind. */
function spreadOverKinds(all: readonly Reached[]): Reached[] {
  const rank = new Map<ImpactKind, number>();
  const ranked = all.map((reached) => {
    const at = rank.get(reached.kind) ?? 0;
    rank.set(reached.kind, at + 1);
    return { reached, at };
  });
  return ranked.sort((a, b) => a.at - b.at).map(({ reached }) => reached);
}

function findingOf(reached: Reached): ImpactFinding {
  const { kind, name, lastNs } = reached;
  const last = lastNs === 0n ? undefined : new Date(Number(lastNs / 1_000_000n)).toISOString();
  const seen = reached.count === 0 ? "by dependencies.json only" : `by ${counted(reached.count, "span")}`;
  return {
    kind,
    name,
    text: `${kind.replace("_", " ")} ${name}, reached ${seen}${last === undefined ? "" : `, last ${last}`}.`,
    evidence: reached.evidence,
    method: reached.method,
    confidence: rounded(reached.confidence),
    count: reached.count,
    ...(last === undefined ? {} : { last_seen: last }),
  };
}

function summaryText(
  verdict: ImpactReport["verdict"],
  counts: ImpactReport["counts"],
  unknown: ImpactReport["unknown"],
): string {
  const missing = unknown
    .map(({ target, reason }) => ` ${target}: ${reason}.`)
    .slice(0, 3)
    .join("");
  if (verdict !== "impact") return `Nothing observed leads there.${missing}`;
  const list = KINDS.filter((kind) => counts[kind] > 0).map((kind) =>
    counted(counts[kind], kind.replace("_", " ")),
  );
  return `Reaches ${list.join(", ")}.${missing}`;
}
