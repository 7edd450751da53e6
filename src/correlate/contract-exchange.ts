import type { Attributes } from "../model/attributes.ts";
import type { Span } from "../model/span.ts";
import { type Evidence, evidenceOf } from "./finding.ts";
import { isBrowserSpan } from "./host.ts";
import { textOf } from "./operation.ts";
import { namedPeer } from "./peer.ts";
import { statusOf } from "./regression-summary.ts";
import { isCaller } from "./self-time.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** One HTTP request that a service answered, as its spans tell it. */
export interface Exchange {
  readonly service: string;
  readonly method: string;
  /** Route as the framework names it; `undefined` when it does not. */
  readonly route: string | undefined;
  /** Without query. */
  readonly path: string;
  readonly status: string | undefined;
  readonly durationNs: number;
  /** Who asked: a service, or `browser`; `undefined` when unknown. */
  readonly consumer: string | undefined;
  readonly request: Body;
  readonly response: Body;
  readonly evidence: Evidence;
}

/** A captured body: `none` was not captured, `text` is no JSON (or was cut off). */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "json"; readonly value: unknown }
  | { readonly kind: "text" };

const NO_BODY: Body = { kind: "none" };
const BODY_CHARS_MAX = 1_000_000;

/**
 * The HTTP requests in the traces: every HTTP server span, and client spans that no server span answers, ascribed to
 * the host they call. Bodies are taken from either side (`http.request.body.content`, `http.response.body.content`).
 */
export function exchangesOf(trees: readonly TraceTree[]): Exchange[] {
  const exchanges: Exchange[] = [];
  for (const { nodes } of trees) {
    for (const node of nodes) {
      const { span } = node;
      const method = textOf(span.attributes, "http.request.method", "http.method");
      if (method === undefined || node.open) continue;
      const parent = nodes[node.parent]?.span;
      if (span.spanKind === "server") {
        const caller = parent !== undefined && isCaller(parent) ? parent : undefined;
        exchanges.push(exchangeOf(node, span.resource.service, method, caller, consumerOf(span, parent)));
      } else if (span.spanKind === "client" && !isAnswered(nodes, node)) {
        const service = namedPeer(span)?.name.replace(/:\d+$/, "") ?? "";
        exchanges.push(exchangeOf(node, service, method, undefined, nameOf(span)));
      }
    }
  }
  return exchanges;
}

function isAnswered(nodes: readonly TraceNode[], node: TraceNode): boolean {
  return node.children.some((child) => nodes[child]!.span.spanKind === "server");
}

function consumerOf(span: Span, parent: Span | undefined): string | undefined {
  if (parent === undefined || parent.resource.service === span.resource.service) return undefined;
  return nameOf(parent);
}

function nameOf(span: Span): string {
  return isBrowserSpan(span) ? "browser" : span.resource.service;
}

function exchangeOf(
  node: TraceNode,
  service: string,
  method: string,
  caller: Span | undefined,
  consumer: string | undefined,
): Exchange {
  const { span } = node;
  const both = [span.attributes, ...(caller === undefined ? [] : [caller.attributes])];
  return {
    service,
    method: method.toUpperCase(),
    route: textOf(span.attributes, "http.route", "url.template"),
    path: pathOf(span.attributes),
    status: statusOf(span),
    durationNs: node.endNs - node.startNs,
    consumer,
    request: bodyOf(both, "http.request.body.content"),
    response: bodyOf(both, "http.response.body.content"),
    evidence: evidenceOf(span),
  };
}

function pathOf(attributes: Attributes): string {
  const path = textOf(attributes, "url.path", "http.target");
  if (path !== undefined) return path.split(/[?#]/, 1)[0]!;
  const url = URL.parse(textOf(attributes, "url.full", "http.url") ?? "");
  return url?.pathname ?? textOf(attributes, "http.route", "url.template") ?? "";
}

function bodyOf(sides: readonly Attributes[], key: string): Body {
  for (const attributes of sides) {
    const value = attributes[key];
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "string") return parse(value);
    if (value instanceof Uint8Array) return parse(new TextDecoder().decode(value));
    return { kind: "json", value };
  }
  return NO_BODY;
}

function parse(text: string): Body {
  if (text.length > BODY_CHARS_MAX) return { kind: "text" };
  try {
    return { kind: "json", value: JSON.parse(text) };
  } catch {
    // No JSON, or cut off by whoever captured it: its shape cannot be told.
    return { kind: "text" };
  }
}
