import {
  type Contract,
  type EndpointContract,
  findEndpoint,
  routeTemplate,
  type Schema,
} from "./contract.ts";
import { type Body, type Exchange, exchangesOf } from "./contract-exchange.ts";
import { checkValue, type Mismatch } from "./contract-schema.ts";
import { counted, type Finding, msText, percentText, type Report, reportOf, rounded } from "./finding.ts";
import { quantile } from "./quantile.ts";
import type { TraceTree } from "./trace-tree.ts";

export type ViolationKind = Mismatch["kind"] | "status" | "latency" | "error_spike";

export interface ContractFinding extends Finding {
  readonly kind: ViolationKind;
  readonly service: string;
  readonly endpoint: string;
  /** `breaking` breaks who relies on the contract, `additive` is new beside it, `degraded` is slower or fails more. */
  readonly change: "breaking" | "additive" | "degraded";
  /** Exchanges that show it, of those looked at. */
  readonly count: number;
  readonly of: number;
  /** Who sent them; at most ten. */
  readonly consumers: readonly string[];
}

export interface EndpointState {
  readonly service: string;
  readonly endpoint: string;
  readonly state: "conforming" | "violated" | "not_evaluated";
  readonly exchanges: number;
  /** What could not be looked at, and why. */
  readonly not_evaluated: readonly string[];
}

export interface ContractReport
  extends Report<"conforming" | "additive" | "violated" | "not_evaluated", ContractFinding> {
  /** At most 100, those violated first. */
  readonly endpoints: readonly EndpointState[];
  /** Parts of the contracts that are not checked. */
  readonly notes: readonly string[];
}

const ENDPOINTS_SHOWN = 100;
const NOTES_SHOWN = 20;
const CONSUMERS_SHOWN = 10;
/** Exchanges from which a percentile or a rate says something. */
const LATENCY_MIN = 20;
const RATE_MIN = 5;

/** One deviation, gathered over exchanges. */
interface Gathered {
  readonly kind: ViolationKind;
  readonly change: ContractFinding["change"];
  readonly words: string;
  readonly exchanges: Exchange[];
  readonly of: number;
}

/**
 * Checks the traffic of some traces against contracts, endpoint by endpoint: bodies against schemas, statuses, latency
 * and error rate against what was promised. What was not captured is `not_evaluated`, never conforming. Breaking
 * findings first.
 */
export function validateContracts(
  contracts: readonly Contract[],
  trees: readonly TraceTree[],
): ContractReport {
  const exchanges = Map.groupBy(exchangesOf(trees), ({ service }) => service);
  const findings: ContractFinding[] = [];
  const states: EndpointState[] = [];
  const notes = contracts.flatMap((contract) => contract.notes.map((note) => `${contract.service}: ${note}`));
  for (const contract of contracts) {
    const ofService = exchanges.get(contract.service) ?? [];
    const { known, unknown } = assign(contract, ofService);
    for (const [endpoint, seen] of known) {
      const name = `${endpoint.method} ${endpoint.route}`;
      const { gathered, cutBodies } = checkEndpoint(endpoint, seen);
      const missing = notEvaluated(endpoint, seen, cutBodies);
      findings.push(...gathered.map((one) => findingOf(contract.service, name, one)));
      const isViolated = gathered.some(({ change }) => change !== "additive");
      states.push({
        service: contract.service,
        endpoint: name,
        state: isViolated ? "violated" : seen.length === 0 || missing.all ? "not_evaluated" : "conforming",
        exchanges: seen.length,
        not_evaluated: missing.reasons,
      });
    }
    for (const [name, seen] of unknown) {
      const words = "is no endpoint of the contract";
      const one: Gathered = { kind: "extra", change: "additive", words, exchanges: seen, of: seen.length };
      findings.push(findingOf(contract.service, name, one));
    }
  }
  findings.sort(byWeight);
  const verdict = verdictOf(findings, states);
  const order = { violated: 0, not_evaluated: 1, conforming: 2 };
  states.sort(
    (a, b) => order[a.state] - order[b.state] || (a.service + a.endpoint < b.service + b.endpoint ? -1 : 1),
  );
  return {
    ...reportOf(verdict, summaryText(contracts, states, findings), findings),
    endpoints: states.slice(0, ENDPOINTS_SHOWN),
    notes: notes.slice(0, NOTES_SHOWN),
  };
}

/** Exchanges by the endpoint they were meant for; those that no endpoint takes, by method and route. */
function assign(contract: Contract, exchanges: readonly Exchange[]) {
  const known = new Map<EndpointContract, Exchange[]>();
  const unknown = new Map<string, Exchange[]>();
  const found = new Map<string, EndpointContract | undefined>();
  for (const exchange of exchanges) {
    const { method, route, path } = exchange;
    const key = `${method} ${route ?? ""} ${path}`;
    if (!found.has(key)) found.set(key, findEndpoint(contract, method, route, path));
    const endpoint = found.get(key);
    if (endpoint !== undefined) {
      const list = known.get(endpoint);
      if (list === undefined) known.set(endpoint, [exchange]);
      else list.push(exchange);
      continue;
    }
    // Paths that no route is known of are told only when they were answered: anyone may ask for anything.
    if (exchange.status === "404") continue;
    const name = `${method} ${routeTemplate(route ?? path)}`;
    const list = unknown.get(name);
    if (list === undefined) unknown.set(name, [exchange]);
    else list.push(exchange);
  }
  // Of routes listed with and without a base path, one that was met speaks for both.
  for (const endpoint of contract.endpoints) {
    const isMet = [...known.keys()].some(
      ({ method, responses, route }) =>
        method === endpoint.method && responses === endpoint.responses && route !== endpoint.route,
    );
    if (!known.has(endpoint) && !isMet) known.set(endpoint, []);
  }
  return { known, unknown };
}

function checkEndpoint(endpoint: EndpointContract, exchanges: readonly Exchange[]) {
  const gathered = new Map<string, Gathered>();
  let cutBodies = 0;
  const mismatchesOf = (schema: Schema, body: unknown) => {
    const { mismatches, cut } = checkValue(schema, body);
    if (cut) cutBodies += 1;
    return mismatches;
  };
  const add = (
    exchange: Exchange,
    kind: ViolationKind,
    change: ContractFinding["change"],
    words: string,
    of: number,
  ) => {
    const key = `${kind} ${words}`;
    const known = gathered.get(key);
    if (known === undefined) gathered.set(key, { kind, change, words, exchanges: [exchange], of });
    else known.exchanges.push(exchange);
  };
  const withRequest = exchanges.filter(({ request }) => request.kind === "json").length;
  const withResponse = new Map<string, number>();
  for (const { status, response } of exchanges) {
    if (status !== undefined && response.kind === "json")
      withResponse.set(status, (withResponse.get(status) ?? 0) + 1);
  }
  for (const exchange of exchanges) {
    const { request, status } = exchange;
    if (endpoint.request !== undefined && request.kind === "json") {
      for (const mismatch of mismatchesOf(endpoint.request, request.value))
        add(exchange, mismatch.kind, changeOf(mismatch), `request: ${wordsOf(mismatch)}`, withRequest);
    }
    if (status === undefined || endpoint.responses.size === 0) continue;
    const promised = responseFor(endpoint, status);
    if (promised === undefined) {
      add(exchange, "status", "breaking", `answers ${status}, which it does not promise`, exchanges.length);
    } else if (promised.schema !== undefined && exchange.response.kind === "json") {
      const of = withResponse.get(status)!;
      for (const mismatch of mismatchesOf(promised.schema, exchange.response.value))
        add(exchange, mismatch.kind, changeOf(mismatch), `response ${status}: ${wordsOf(mismatch)}`, of);
    }
  }
  return { gathered: [...gathered.values(), ...promisesBroken(endpoint, exchanges)], cutBodies };
}

/** The promise for a status: its own, its class's, the default; `undefined` when there is none. */
function responseFor(
  endpoint: EndpointContract,
  status: string,
): { readonly schema: Schema | undefined } | undefined {
  for (const key of [status, `${status[0]}XX`, "DEFAULT"]) {
    if (endpoint.responses.has(key)) return { schema: endpoint.responses.get(key) };
  }
  return undefined;
}

function promisesBroken(endpoint: EndpointContract, exchanges: readonly Exchange[]): Gathered[] {
  const broken: Gathered[] = [];
  const of = exchanges.length;
  const { p95MsMax, errorRateMax } = endpoint;
  if (p95MsMax !== undefined && of >= LATENCY_MIN) {
    const sorted = exchanges.toSorted((a, b) => a.durationNs - b.durationNs);
    const p95Ns = quantile(
      sorted.map(({ durationNs }) => durationNs),
      0.95,
    );
    if (p95Ns > p95MsMax * 1e6) {
      const slow = sorted.filter(({ durationNs }) => durationNs > p95MsMax * 1e6).reverse();
      const words = `95 % take up to ${msText(p95Ns)}; at most ${p95MsMax} ms are promised`;
      broken.push({ kind: "latency", change: "degraded", words, exchanges: slow, of });
    }
  }
  if (errorRateMax !== undefined && of >= RATE_MIN) {
    const failed = exchanges.filter(({ status }) => status?.startsWith("5") === true);
    if (failed.length / of > errorRateMax) {
      const words = `${percentText(failed.length / of)} fail; at most ${percentText(errorRateMax)} are promised`;
      broken.push({ kind: "error_spike", change: "degraded", words, exchanges: failed, of });
    }
  }
  return broken;
}

function changeOf({ kind }: Mismatch): ContractFinding["change"] {
  return kind === "extra" ? "additive" : "breaking";
}

function wordsOf({ kind, path, expected, found }: Mismatch): string {
  const place = path === "" ? "the body" : path;
  switch (kind) {
    case "missing":
      return `${place} is missing (${expected})`;
    case "extra":
      return `${place} (${found}) is new`;
    case "type":
      return `${place} is ${found}, not ${expected}`;
    case "enum":
      return `${place} is none of ${expected}`;
  }
}

function notEvaluated(endpoint: EndpointContract, exchanges: readonly Exchange[], cutBodies: number) {
  if (exchanges.length === 0) return { reasons: ["no traffic in this window"], all: true };
  const reasons: string[] = [];
  if (cutBodies > 0) reasons.push(`the rest of ${cutBodies} bodies of more than 20 000 values`);
  const share = (what: string, bodies: readonly Body[]) => {
    const seen = bodies.filter(({ kind }) => kind === "json").length;
    if (seen === bodies.length) return;
    const cut = bodies.filter(({ kind }) => kind === "text").length;
    const because = cut > 0 ? `${cut} are no JSON or cut off, the others` : "bodies";
    reasons.push(
      `${what} of ${bodies.length - seen} of ${bodies.length} exchanges: ${because} were not captured`,
    );
  };
  if (endpoint.request !== undefined)
    share(
      "request",
      exchanges.map(({ request }) => request),
    );
  const promised = exchanges.filter(
    ({ status }) => status !== undefined && responseFor(endpoint, status)?.schema !== undefined,
  );
  if (promised.length > 0)
    share(
      "response",
      promised.map(({ response }) => response),
    );
  const { p95MsMax, errorRateMax } = endpoint;
  if (p95MsMax !== undefined && exchanges.length < LATENCY_MIN)
    reasons.push(`latency: ${counted(exchanges.length, "exchange")}, ${LATENCY_MIN} are needed`);
  if (errorRateMax !== undefined && exchanges.length < RATE_MIN)
    reasons.push(`error rate: ${counted(exchanges.length, "exchange")}, ${RATE_MIN} are needed`);
  // Statuses alone do not make a body conform.
  const bodies = promised.filter(({ response }) => response.kind === "json").length;
  return { reasons, all: promised.length > 0 && bodies === 0 };
}

function findingOf(service: string, endpoint: string, one: Gathered): ContractFinding {
  const consumers = [...new Set(one.exchanges.flatMap(({ consumer }) => consumer ?? []))].sort();
  return {
    kind: one.kind,
    service,
    endpoint,
    change: one.change,
    text: `${service} ${endpoint}: ${one.words} (${one.exchanges.length} of ${one.of}).`,
    evidence: one.exchanges.slice(0, 3).map(({ evidence }) => evidence),
    method: "exact",
    confidence: rounded(1 - 1 / (one.exchanges.length + 1) ** 2),
    count: one.exchanges.length,
    of: one.of,
    consumers: consumers.slice(0, CONSUMERS_SHOWN),
  };
}

function byWeight(a: ContractFinding, b: ContractFinding): number {
  const order = { breaking: 0, degraded: 1, additive: 2 };
  return order[a.change] - order[b.change] || b.count - a.count || (a.text < b.text ? -1 : 1);
}

function verdictOf(findings: readonly ContractFinding[], states: readonly EndpointState[]) {
  if (findings.some(({ change }) => change !== "additive")) return "violated";
  if (!states.some(({ state }) => state === "conforming")) return "not_evaluated";
  return findings.length > 0 ? "additive" : "conforming";
}

function summaryText(
  contracts: readonly Contract[],
  states: readonly EndpointState[],
  findings: readonly ContractFinding[],
): string {
  if (contracts.length === 0)
    return "There are no contracts; configure learn_contracts proposes them from traffic.";
  const count = (state: EndpointState["state"]) => states.filter((one) => one.state === state).length;
  const breaking = findings.filter(({ change }) => change === "breaking").length;
  return `Of ${counted(states.length, "endpoint")} under contract, ${count("conforming")} conform, ${count("violated")} do not (${counted(breaking, "breaking change")}), ${count("not_evaluated")} could not be looked at.`;
}
