import type { MetricSeries, RecordFilter, StoredPoint } from "../telemetry-store.ts";
import { AttributeMatch } from "./attribute-match.ts";
import type { MetricSeriesTable, Series } from "./metric-series.ts";
import { absoluteNs, type Source } from "./query.ts";
import { TextMatch } from "./text-match.ts";

/**
 * Up to `limit` metric series that pass, the one with the newest point first. Of the filter's conditions those
 * apply that a series has something for: window (on the last point), name, service, attributes, text, arrival.
 */
export function readSeries(
  source: Source,
  table: MetricSeriesTable,
  filter: RecordFilter,
  limit: number,
): readonly MetricSeries[] {
  const { rings, reader, masker } = source;
  if (filter.kinds?.includes("metric") === false || filter.streams?.includes("metrics") === false) return [];
  const attributes = (filter.attributes ?? []).map((attribute) => new AttributeMatch(attribute, masker));
  const text = filter.text === undefined || filter.text === "" ? undefined : new TextMatch(filter.text);
  const found: MetricSeries[] = [];
  for (const series of table.newestFirst()) {
    if (found.length === limit) break;
    const last = reader.readPoint(series);
    if (!matchesSeries(last, filter, attributes)) continue;
    if (text !== undefined && !matchesText(source, series, text)) continue;
    found.push({
      name: last.name,
      service: last.resource.service,
      last,
      history: table
        .history(series)
        .map(([timeNs, value]) => ({ timeNs: absoluteNs(timeNs, rings.epochNs), value })),
    });
  }
  return found;
}

function matchesText({ reader }: Source, series: Series, text: TextMatch): boolean {
  const header = reader.header(series.header);
  return (
    text.matchesGroup(reader.group(series.group)) || text.matchesPoint(reader.maskedPoint(series), header)
  );
}

function matchesSeries(
  last: StoredPoint,
  filter: RecordFilter,
  attributes: readonly AttributeMatch[],
): boolean {
  const { sinceNs, untilNs, afterArrival, name, service } = filter;
  return (
    (sinceNs === undefined || last.timeNs >= sinceNs) &&
    (untilNs === undefined || last.timeNs < untilNs) &&
    (afterArrival === undefined || last.arrival > afterArrival) &&
    (service === undefined || last.resource.service === service) &&
    (name === undefined || last.name.toLowerCase().includes(name.toLowerCase())) &&
    attributes.every((match) => matchesPoint(last, match))
  );
}

/** The point's own attributes first, then its resource's: the first key that exists decides. */
function matchesPoint(last: StoredPoint, match: AttributeMatch): boolean {
  for (const attributes of [last.attributes, last.resource.attributes]) {
    const key = match.names.find((each) => attributes[each] !== undefined);
    if (key !== undefined) return match.matchesValue(attributes[key]!);
  }
  return false;
}
