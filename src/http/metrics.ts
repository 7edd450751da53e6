import type { StoreStats } from "../store/telemetry-store.ts";

/** What the API needs to know of the receiver. */
export interface ReceiverCounts {
  readonly signals: Readonly<
    Record<
      string,
      {
        readonly requests: number;
        readonly accepted: number;
        readonly rejected: number;
        readonly dropped: number;
      }
    >
  >;
  /** Requests refused as a whole, by error code. */
  readonly refused: Readonly<Partial<Record<string, number>>>;
  readonly aborted: number;
  readonly bytesReceived: number;
  readonly bytesInFlight: number;
  readonly connections: number;
  readonly connectionsOpen: number;
  readonly connectionsRefused: number;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** All counts in the Prometheus text format, version 0.0.4. */
export function metricsText(receiver: ReceiverCounts, store: StoreStats): string {
  return [...receiverMetrics(receiver), ...storeMetrics(store)].map(metricText).join("");
}

function receiverMetrics(receiver: ReceiverCounts): Metric[] {
  const signals = Object.entries(receiver.signals);
  const bySignal = (key: "requests" | "accepted" | "rejected" | "dropped"): Sample[] =>
    signals.map(([signal, counts]) => [{ signal }, counts[key]]);
  return [
    counter("receiver_requests_total", "Export requests answered with success.", bySignal("requests")),
    counter("receiver_records_accepted_total", "Records taken in.", bySignal("accepted")),
    counter("receiver_records_rejected_total", "Records refused alone, for a bad id.", bySignal("rejected")),
    counter("receiver_records_dropped_total", "Records that could not be kept.", bySignal("dropped")),
    counter(
      "receiver_requests_refused_total",
      "Export requests refused as a whole.",
      Object.entries(receiver.refused).map(([code, count]) => [{ code }, count ?? 0]),
    ),
    counter("receiver_requests_aborted_total", "Export requests whose client went away.", [
      [{}, receiver.aborted],
    ]),
    counter("receiver_bytes_received_total", "Body bytes of export requests.", [
      [{}, receiver.bytesReceived],
    ]),
    gauge("receiver_bytes_in_flight", "Body bytes held now.", [[{}, receiver.bytesInFlight]]),
    counter("receiver_connections_total", "Connections taken.", [[{}, receiver.connections]]),
    counter("receiver_connections_refused_total", "Connections closed unserved.", [
      [{}, receiver.connectionsRefused],
    ]),
    gauge("receiver_connections_open", "Connections open now.", [[{}, receiver.connectionsOpen]]),
  ];
}

function storeMetrics(store: StoreStats): Metric[] {
  const byStream = (key: "records" | "bytes" | "accepted" | "evicted" | "expired" | "dropped"): Sample[] =>
    store.streams.map((stats) => [{ stream: stats.stream }, stats[key]]);
  return [
    gauge("store_records", "Records held.", byStream("records")),
    gauge("store_record_bytes", "Bytes of the records held.", byStream("bytes")),
    counter("store_records_accepted_total", "Records stored.", byStream("accepted")),
    counter("store_records_evicted_total", "Records that made way for newer ones.", byStream("evicted")),
    counter("store_records_expired_total", "Records older than their time to live.", byStream("expired")),
    counter("store_records_dropped_total", "Records too large to keep.", byStream("dropped")),
    gauge("store_traces", "Traces held.", [[{}, store.traces]]),
    gauge("store_traces_pinned", "Failing or named traces kept past their turn.", [[{}, store.pinnedTraces]]),
    counter("store_traces_pin_skipped_total", "Failing traces over the pinning limits.", [
      [{}, store.pinSkipped],
    ]),
    gauge("store_arena_bytes", "Arena size.", [[{}, store.arenaBytes]]),
    gauge("store_arena_used_bytes", "Arena bytes in use.", [[{}, store.arenaBytesUsed]]),
    counter("store_values_masked_total", "Values masked on the way out.", [[{}, store.masked]]),
    gauge("store_metric_series", "Metric series held.", [[{}, store.series]]),
    counter("store_metric_series_dropped_total", "Metric series over the limit.", [
      [{}, store.seriesDropped],
    ]),
    gauge("store_subscribers", "Live readers.", [[{}, store.subscribers]]),
    counter("store_subscriber_dropped_total", "Records that slow live readers missed.", [
      [{}, store.subscriberDropped],
    ]),
  ];
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function metricText({ name, type, help, samples }: Metric): string {
  const full = `gasoline_${name}`;
  const lines = samples.map(([labels, value]) => `${full}${labelsText(labels)} ${value}\n`);
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
