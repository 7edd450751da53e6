import type { MetricSeries } from "../store/telemetry-store.ts";
import { emptyDraft } from "./events.ts";
import { type ModeScope, toStoreFilter } from "./filter.ts";
import { toText } from "./json-value.ts";
import type { Detail } from "./normalize.ts";
import { clean } from "./render/clean.ts";
import { count, isoTime } from "./render/units.ts";
import { type Body, type Draft, lineChars, type Question } from "./reply.ts";
import type { Row } from "./shapes.ts";
import { whyEmpty } from "./why-empty.ts";

const METRICS: ModeScope = {
  kinds: ["metric"],
  ignores: ["trace_id", "span_id", "id", "session_id", "source", "level", "status"],
};
const HISTORY_SHOWN = 12;
const ATTRIBUTES_SHOWN = 6;

/** Metric series with their last value and some of their history, by name and service. */
export async function observeMetrics(question: Question): Promise<Draft> {
  const { store, query, context } = question;
  const { filter, ignored } = toStoreFilter(query.filter, METRICS, {}, store, context.clock);
  const series = await store.metrics(filter, query.limit + 1);
  if (series.length === 0) {
    const held = store.stats().streams.find(({ stream }) => stream === "metrics");
    return emptyDraft(
      (held?.accepted ?? 0) === 0
        ? "No metrics were received. Set OTEL_METRICS_EXPORTER=otlp for the program to be observed; most SDKs send them every 60 s."
        : await whyEmpty(question, filter, METRICS, { total: 0, horizonNs: held?.oldestNs ?? null }),
    );
  }
  const shown = series.slice(0, query.limit);
  const build = (rows: number, detail: Detail): Body => {
    const rendered = shown.slice(0, rows).map((each) => seriesRow(each, detail));
    const hidden = series.length - rendered.length;
    return {
      summary: `${rendered.length} of ${series.length > shown.length ? "more than " : ""}${count(shown.length, "metric")}.`,
      rows: rendered.map(({ row }) => row),
      lines: rendered.map(({ line }) => line),
      metadata: {
        total_count: series.length,
        shown: rendered.length,
        horizon: null,
        ...(ignored.length > 0 ? { ignored } : {}),
        ...(hidden > 0
          ? { left_out: `${hidden} series or more: narrow by name or service, or raise limit.` }
          : {}),
      },
    };
  };
  return { rowsMax: shown.length, build };
}

function seriesRow(
  { name, service, last, history }: MetricSeries,
  detail: Detail,
): { row: Row; line: string } {
  const chars = lineChars(detail);
  const attributes = Object.entries(last.attributes)
    .slice(0, ATTRIBUTES_SHOWN)
    .map(([key, value]) => [clean(key, 100), clean(toText(value), chars)] as const);
  const value =
    last.value !== null
      ? Number(last.value)
      : { count: last.count ?? 0, sum: last.sum ?? 0, ...(last.max === undefined ? {} : { max: last.max }) };
  const told = typeof value === "number" ? String(value) : `count ${value.count}, sum ${value.sum}`;
  const values = history.slice(-HISTORY_SHOWN).map((point) => Number(point.value.toPrecision(6)));
  const shownName = clean(name, chars);
  return {
    row: {
      name: shownName,
      service: clean(service, 60),
      type: last.type,
      ...(last.unit === "" ? {} : { unit: clean(last.unit, 20) }),
      value,
      time: isoTime(last.timeNs),
      ...(attributes.length === 0 ? {} : { attributes: Object.fromEntries(attributes) }),
      history: detail.compact
        ? values
        : history.map(({ timeNs, value: at }) => ({ time: isoTime(timeNs), value: at })),
    },
    line: [
      shownName,
      clean(service, 60),
      `${told} ${clean(last.unit, 20)}`.trim(),
      attributes.map(([key, each]) => `${key}=${each}`).join(" "),
      values.length > 1 ? `before: ${values.slice(0, -1).join(" ")}` : "",
    ]
      .filter((part) => part !== "")
      .join("  "),
  };
}
