import type { TraceBody, TraceSpan } from "../../src/http/api-types.ts";
import type { OriginLink } from "../../src/model/browser.ts";
import type { OriginReport } from "../model/messages.ts";
import { mayLink } from "../model/origins.ts";
import type { SpanReference } from "../model/records.ts";
import type { ExtensionConfig } from "./config.ts";

const ORIGINS_MAX = 100;
/** Time for the server's own exporter, whose batches wait five seconds. */
const LOOK_AFTER_MS = [1_500, 4_000, 8_000];

interface Known {
  readonly link: OriginLink;
  /** The newest request whose server span is looked for; undefined when nobody looks. */
  sample: SpanReference | undefined;
}

/**
 * Per origin that pages ask: whether the trace is carried there and how, and whether the daemon has seen a server
 * span come of it.
 */
export class OriginLinks {
  readonly #known = new Map<string, Known>();
  readonly #config: ExtensionConfig;
  readonly #changed: () => void;

  constructor(config: ExtensionConfig, changed: () => void) {
    this.#config = config;
    this.#changed = changed;
  }

  list(): readonly OriginLink[] {
    return [...this.#known.values()].map(({ link }) => link);
  }

  seen(report: OriginReport): void {
    const { origin, sample } = report;
    const known = this.#known.get(origin);
    if (known?.link.state === "linked") return;
    const link = linkOf(report);
    const wanted = link.state === "propagated_unseen" ? sample : undefined;
    this.#known.set(origin, { link, sample: wanted });
    const [oldest] = this.#known.keys();
    if (this.#known.size > ORIGINS_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#changed();
    if (wanted !== undefined) this.#look(origin, wanted, 0);
  }

  #look(origin: string, sample: SpanReference, attempt: number): void {
    setTimeout(async () => {
      const known = this.#known.get(origin);
      // A newer request is looked for in its place.
      if (known?.sample !== sample) return;
      if (await this.#isAnswered(origin, sample)) {
        const { reason: _, ...link } = known.link;
        this.#known.set(origin, { link: { ...link, state: "linked" }, sample: undefined });
        this.#changed();
      } else if (attempt + 1 < LOOK_AFTER_MS.length) this.#look(origin, sample, attempt + 1);
      else known.sample = undefined;
    }, LOOK_AFTER_MS[attempt]);
  }

  async #isAnswered(origin: string, sample: SpanReference): Promise<boolean> {
    const { endpoint, key } = this.#config;
    try {
      const response = await fetch(`${endpoint}/api/traces/${sample.traceId}`, {
        headers: key === "" ? {} : { "x-api-key": key },
      });
      if (!response.ok) return false;
      const { spans } = (await response.json()) as TraceBody;
      return spans.some((span) => span.kind === "server" && isFrom(span, origin, sample));
    } catch {
      // The daemon is away; the delivery tells of that.
      return false;
    }
  }
}

/** A server span that answered the sample itself, or one under its page that says it listens at the origin. */
function isFrom(span: TraceSpan, origin: string, sample: SpanReference): boolean {
  if (span.parent_span_id === sample.spanId) return true;
  const { hostname, port, protocol } = new URL(origin);
  const portOf = port === "" ? (protocol === "https:" ? "443" : "80") : port;
  const { attributes } = span;
  return (
    String(attributes["server.port"] ?? attributes["net.host.port"] ?? "") === portOf &&
    String(attributes["server.address"] ?? attributes["net.host.name"] ?? "") === hostname
  );
}

function linkOf({ origin, how, reason, ownTraceparent }: OriginReport): OriginLink {
  const not = (why: string): OriginLink => ({ origin, state: "not_linked", how: "none", reason: why });
  if (reason !== undefined) return not(reason);
  if (ownTraceparent) return not("the page sends a traceparent of its own, which is kept");
  if (how === "script_header") return { origin, state: "propagated_unseen", how, reason: UNSEEN };
  if (!mayLink(origin)) return not("a third party: the trace is never sent there");
  return { origin, state: "propagated_unseen", how, reason: UNSEEN };
}

const UNSEEN = "the trace is sent, but no server span of it was seen";
