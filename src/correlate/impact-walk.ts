import type { LogRecord } from "../model/log.ts";
import type { Span } from "../model/span.ts";
import { fitsRoute, routeTemplate } from "./contract.ts";
import type { Method } from "./finding.ts";
import { codeFilesOf, type FileFit, fitOfPaths, normalizePath } from "./impact-code.ts";
import { textOf } from "./operation.ts";
import type { TraceNode, TraceTree } from "./trace-tree.ts";

/** What is to be changed. At least one is given; each adds to what is reached. */
export interface ImpactTarget {
  readonly files?: readonly string[];
  /** `POST /orders/{id}`, or the route alone. */
  readonly endpoint?: string;
  readonly service?: string;
}

/** How sure it is that a span is of the target, and that a link is a way back. */
const CONFIDENCE = { whole: 1, end: 0.6, link: 0.9 } as const;

/** One span that the walk met. */
export interface Visit {
  readonly node: TraceNode<Span, LogRecord>;
  readonly tree: TraceTree;
  /** Nearest first: a span reached on several ways keeps the surest. */
  readonly confidence: number;
  readonly method: Method;
}

/** Spans of the target, and the targets that no span is of, with the reason. */
export function startingPoints(target: ImpactTarget, trees: readonly TraceTree[]) {
  const unknown: { target: string; reason: string }[] = [];
  const visits: Visit[] = [];
  const add = (tree: TraceTree, node: TraceNode, confidence: number) =>
    visits.push({ tree, node, confidence, method: "attribute" });
  const files = (target.files ?? []).map((file) => ({ file, path: normalizePath(file), found: false }));
  const fits = new Map<string, readonly (FileFit | undefined)[]>();
  let withCode = 0;
  let spans = 0;
  let endpointFound = false;
  let serviceFound = false;
  for (const tree of trees) {
    for (const node of tree.nodes) {
      spans += 1;
      const seen = files.length === 0 ? [] : codeFilesOf(node);
      if (seen.length > 0) withCode += 1;
      for (const path of seen) {
        let fit = fits.get(path);
        if (fit === undefined) {
          fit = files.map((asked) => fitOfPaths(asked.path, path));
          fits.set(path, fit);
        }
        fit.forEach((kind, i) => {
          if (kind === undefined) return;
          files[i]!.found = true;
          add(tree, node, CONFIDENCE[kind]);
        });
      }
      if (target.endpoint !== undefined && isEndpoint(node.span, target.endpoint)) {
        endpointFound = true;
        add(tree, node, 1);
      }
      if (target.service !== undefined && node.span.resource.service === target.service) {
        serviceFound = true;
        add(tree, node, 1);
      }
    }
  }
  for (const { file, found } of files) {
    if (found) continue;
    const reason = `no span names it: ${withCode} of ${spans} spans say which code they ran (code.file.path, stack frames)`;
    unknown.push({ target: file, reason });
  }
  if (target.endpoint !== undefined && !endpointFound)
    unknown.push({ target: target.endpoint, reason: "no server span of this window is of it" });
  if (target.service !== undefined && !serviceFound)
    unknown.push({ target: target.service, reason: "no span of this window is of it" });
  return { visits, unknown };
}

function isEndpoint(span: Span, endpoint: string): boolean {
  if (span.spanKind !== "server") return false;
  const [, method, route] = /^(?:([A-Za-z]+) +)?(\S+)$/.exec(endpoint.trim()) ?? [];
  if (route === undefined) return span.name === endpoint;
  const own = textOf(span.attributes, "http.request.method", "http.method");
  if (own === undefined) return span.name === endpoint;
  if (method !== undefined && method.toUpperCase() !== own.toUpperCase()) return false;
  const ownRoute = textOf(span.attributes, "http.route");
  if (ownRoute !== undefined && routeTemplate(ownRoute) === routeTemplate(route)) return true;
  // Either may be the template and the other a path of it.
  if (ownRoute !== undefined) return fitsRoute(routeTemplate(ownRoute), route);
  return fitsRoute(routeTemplate(route), textOf(span.attributes, "url.path", "http.target") ?? "");
}

/** Goes from each visit to its callers and to the spans it is linked to; each span once, the surest way first. */
export function walkUp(start: readonly Visit[], trees: readonly TraceTree[]): Map<TraceNode, Visit> {
  const visits = new Map<TraceNode, Visit>();
  const bySpanId = spansByTrace(trees);
  // By confidence, so that a span is first met on its surest way.
  let border = start.toSorted((a, b) => b.confidence - a.confidence);
  while (border.length > 0) {
    const linked: Visit[] = [];
    for (const first of border) {
      for (let next: Visit | undefined = first; next !== undefined; ) {
        const { node, tree, confidence }: Visit = next;
        if (visits.has(node)) break;
        visits.set(node, next);
        for (const link of node.span.links) {
          const target = bySpanId.get(`${link.traceId} ${link.spanId}`);
          if (target === undefined || visits.has(target.node)) continue;
          linked.push({ ...target, confidence: confidence * CONFIDENCE.link, method: "link" });
        }
        const parent: TraceNode<Span, LogRecord> | undefined = tree.nodes[node.parent];
        next =
          parent === undefined
            ? undefined
            : {
                node: parent,
                tree,
                confidence,
                method: next.method === "attribute" ? "exact" : next.method,
              };
      }
    }
    border = linked.sort((a, b) => b.confidence - a.confidence);
  }
  return visits;
}

/** Spans that links lead to, by trace and span id. */
function spansByTrace(trees: readonly TraceTree[]) {
  const wanted = new Set<string>();
  for (const { nodes } of trees)
    for (const { span } of nodes)
      for (const { traceId, spanId } of span.links) wanted.add(`${traceId} ${spanId}`);
  const found = new Map<string, { readonly node: TraceNode<Span, LogRecord>; readonly tree: TraceTree }>();
  if (wanted.size === 0) return found;
  for (const tree of trees) {
    for (const node of tree.nodes) {
      const key = `${node.span.traceId} ${node.span.spanId}`;
      if (wanted.has(key) && !found.has(key)) found.set(key, { node, tree });
    }
  }
  return found;
}
