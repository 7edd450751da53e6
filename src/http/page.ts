import { createHash } from "node:crypto";
import { clean } from "../query/render/clean.ts";
import { count, formatDuration, isoTime } from "../query/render/units.ts";
import type { StoreStats, TraceSummary } from "../store/telemetry-store.ts";

/** What the page at `/` shows. */
export interface PageData {
  /** This daemon as the browser reached it, e.g. `http://localhost:7890`. */
  readonly url: string;
  readonly version: string;
  readonly stats: StoreStats;
  readonly traces: readonly TraceSummary[];
}

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8d8d8, #3a3a3a); --soft: light-dark(#5a5a5a, #a8a8a8);
  --bad: light-dark(#b00020, #ff7a85); --link: light-dark(#0b57d0, #8ab4f8); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #161616); color: light-dark(#1a1a1a, #e6e6e6); }
h1 { font-size: 1.4rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem }
p, dl { margin: .5rem 0 } .soft { color: var(--soft) } .bad { color: var(--bad) } a { color: var(--link) }
table { border-collapse: collapse; width: 100% } .wide { overflow-x: auto }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600 } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
pre, code { font: 13px/1.5 ui-monospace, monospace } pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line);
  border-radius: 6px; margin: .5rem 0 }`;

/**
 * The policy of both pages: nothing is loaded, no script runs, and only this very style sheet applies, so that
 * markup smuggled in through a span's name could do nothing even if it were not escaped.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page at `/`: what is received, the last traces, and how to connect a program or an agent. No scripts. */
export function renderPage(data: PageData): string {
  return document_(
    "Gasoline 360",
    `<h1>Gasoline 360</h1>
<p class="soft">Version ${html(data.version)} at ${html(data.url)}. Everything is kept in memory only. <a href="/">Reload</a></p>
${received(data.stats)}
${lastTraces(data.traces)}
<h2>Send telemetry</h2>
<p>Any OpenTelemetry SDK, over gRPC or HTTP, on this one port:</p>
<pre>OTEL_EXPORTER_OTLP_ENDPOINT=${html(data.url)}</pre>
<p>No program at hand? <code>npx gasoline demo</code> runs a small shop that sends real traces.</p>
<h2>Ask from an agent</h2>
<p>Over stdio, for clients that start their servers themselves:</p>
<pre>npx gasoline connect claude</pre>
<p>Or over HTTP, for any MCP client: <code>${html(data.url)}/mcp</code></p>
<h2>Ask by hand</h2>
<pre>curl '${html(data.url)}/api/observe?what=errors&amp;since=-15m'</pre>
<p class="soft"><a href="/api/observe?what=traces">traces as JSON</a> · <a href="/metrics">metrics</a> · <a href="/healthz">health</a></p>`,
  );
}

/** One trace as its text tree. */
export function renderTracePage(traceId: string, text: string): string {
  const id = html(traceId);
  return document_(
    `Trace ${traceId.slice(0, 8)}`,
    `<p><a href="/">All traces</a> · <a href="/api/traces/${id}">as JSON</a></p>
<h1>Trace <code>${id}</code></h1>
<pre>${html(text)}</pre>`,
  );
}

/** A refusal, for a reader in a browser. */
export function renderErrorPage(message: string): string {
  return document_("Gasoline 360", `<p><a href="/">All traces</a></p>\n<p>${html(message)}</p>`);
}

function document_(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

function received(stats: StoreStats): string {
  const used = stats.streams.filter((stream) => stream.accepted > 0 || stream.records > 0);
  if (used.length === 0) return `<h2>Received</h2>\n<p>Nothing yet.</p>`;
  const rows = used.map(
    (stream) => `<tr><td>${html(stream.stream)}</td><td class="n">${number(stream.records)}</td>
<td class="n">${number(stream.accepted)}</td><td class="n">${number(stream.evicted + stream.expired)}</td>
<td class="n">${number(stream.dropped)}</td><td>${stream.newestNs === null ? "" : time(stream.newestNs)}</td></tr>`,
  );
  return `<h2>Received</h2>
<div class="wide"><table>
<tr><th>Stream</th><th class="n">Held</th><th class="n">Received</th><th class="n">Made way</th><th class="n">Dropped</th><th>Newest</th></tr>
${rows.join("\n")}
</table></div>
<p class="soft">${count(stats.traces, "trace")} held, ${number(stats.arenaBytesUsed)} of ${number(stats.arenaBytes)} bytes used.</p>`;
}

function lastTraces(traces: readonly TraceSummary[]): string {
  if (traces.length === 0) return "";
  const rows = traces.map((trace) => {
    const length = trace.endNs > trace.startNs ? trace.endNs - trace.startNs : 0n;
    const errors = trace.errors === 0 ? "" : `<span class="bad">${count(trace.errors, "error")}</span>`;
    return `<tr><td><a href="/traces/${html(trace.traceId)}"><code>${html(trace.traceId.slice(0, 8))}</code></a></td>
<td>${time(trace.startNs)}</td><td>${html(clean(trace.rootName, 120))}</td><td>${html(clean(trace.rootService, 60))}</td>
<td class="n">${formatDuration(length)}</td><td class="n">${number(trace.spans)}</td><td>${errors}</td></tr>`;
  });
  return `<h2>Last traces</h2>
<div class="wide"><table>
<tr><th>Trace</th><th>Start (UTC)</th><th>Root</th><th>Service</th><th class="n">Duration</th><th class="n">Spans</th><th></th></tr>
${rows.join("\n")}
</table></div>`;
}

function time(ns: bigint): string {
  return html(isoTime(ns).replace("T", " ").replace("Z", ""));
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as HTML text or attribute value. */
function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
