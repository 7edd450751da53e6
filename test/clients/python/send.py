"""Sends one trace, two logs and three metrics through each exporter of the Python SDK, and prints what it sent.

Usage: send.py http://127.0.0.1:PORT
Prints one line of JSON for each exporter: what test/clients/sent.ts calls Sent.
"""

import json
import sys
import time

import grpc
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

ENDPOINT = sys.argv[1]

# Above 2^53: printed as text, since JSON readers round it.
BIG = 9007199254740993


def exporters(transport, compression):
    """Span, log and metric exporter for "http" or "grpc", compressed by "gzip" or "none"."""
    gzip = compression == "gzip"
    if transport == "grpc":
        options = {
            "endpoint": ENDPOINT,
            "insecure": True,
            "compression": grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression,
        }
        return GrpcSpanExporter(**options), GrpcLogExporter(**options), GrpcMetricExporter(**options)
    options = {"compression": Compression.Gzip if gzip else Compression.NoCompression}
    return (
        HttpSpanExporter(endpoint=f"{ENDPOINT}/v1/traces", **options),
        HttpLogExporter(endpoint=f"{ENDPOINT}/v1/logs", **options),
        HttpMetricExporter(endpoint=f"{ENDPOINT}/v1/metrics", **options),
    )


def send_spans(exporter, resource):
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("checkout", "1.2.3")
    with tracer.start_as_current_span(
        "GET /cart",
        kind=SpanKind.SERVER,
        attributes={
            "user.name": "Zoë ☕",
            "cart.empty": True,
            "cart.weight": 0.25,
            "cart.id": BIG,
            "cart.delta": -7,
            "cart.tags": ["a", "b"],
            "cart.counts": [1, 2, 300],
        },
    ) as parent:
        parent.add_event("cache miss", {"cache.name": "carts"})
        link = Link(parent.get_span_context(), {"link.reason": "retry"})
        with tracer.start_as_current_span("SELECT cart", kind=SpanKind.CLIENT, links=[link]) as child:
            pass
        parent.set_status(Status(StatusCode.ERROR, "no cart"))
    if not provider.force_flush():
        raise RuntimeError("the spans were not flushed")
    provider.shutdown()
    return parent.get_span_context(), [sent_span(parent), sent_span(child)]


def sent_span(span):
    context = span.get_span_context()
    return {
        "traceId": trace.format_trace_id(context.trace_id),
        "spanId": trace.format_span_id(context.span_id),
        "parentSpanId": trace.format_span_id(span.parent.span_id) if span.parent else "",
        "name": span.name,
        "kind": span.kind.name.lower(),
        "startNs": str(span.start_time),
        "endNs": str(span.end_time),
        "statusCode": span.status.status_code.name.lower(),
        "statusMessage": span.status.description or "",
        "attributes": sent_attributes(span.attributes),
        "events": [
            {"name": event.name, "timeNs": str(event.timestamp), "attributes": sent_attributes(event.attributes)}
            for event in span.events
        ],
        "links": [
            {
                "traceId": trace.format_trace_id(link.context.trace_id),
                "spanId": trace.format_span_id(link.context.span_id),
                "attributes": sent_attributes(link.attributes),
            }
            for link in span.links
        ],
    }


def sent_attributes(attributes):
    return {key: str(value) if value == BIG else value for key, value in attributes.items()}


def send_logs(exporter, resource, span_context):
    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("checkout")
    context = trace.set_span_in_context(trace.NonRecordingSpan(span_context))
    records = [
        LogRecord(
            timestamp=time.time_ns(),
            context=context,
            severity_number=SeverityNumber.WARN,
            severity_text="WARN",
            body="cart is empty: Zoë",
            attributes={"cart.items": 3},
        ),
        LogRecord(
            timestamp=time.time_ns(),
            context=context,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body={"step": "load", "tries": [1, 2]},
            attributes={},
        ),
    ]
    for record in records:
        logger.emit(record)
    if not provider.force_flush():
        raise RuntimeError("the logs were not flushed")
    provider.shutdown()
    return [
        {
            "traceId": trace.format_trace_id(span_context.trace_id),
            "spanId": trace.format_span_id(span_context.span_id),
            "timeNs": str(record.timestamp),
            "severity": record.severity_number.value,
            "severityText": record.severity_text,
            "body": record.body,
            "attributes": dict(record.attributes),
        }
        for record in records
    ]


def send_metrics(exporter, resource):
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    provider = MeterProvider(resource=resource, metric_readers=[reader])
    meter = provider.get_meter("checkout")
    labels = {"shop": "north"}
    meter.create_counter("carts", unit="1").add(3, labels)
    histogram = meter.create_histogram("latency", unit="ms")
    histogram.record(12.5, labels)
    histogram.record(80.0, labels)
    meter.create_gauge("temperature").set(-3.5, labels)
    if not provider.force_flush():
        raise RuntimeError("the metrics were not flushed")
    provider.shutdown()
    return [
        {"name": "carts", "type": "sum", "value": 3, "attributes": labels},
        {"name": "latency", "type": "histogram", "count": 2, "sum": 92.5, "attributes": labels},
        {"name": "temperature", "type": "gauge", "value": -3.5, "attributes": labels},
    ]


for transport in ("http", "grpc"):
    for compression in ("none", "gzip"):
        service = f"python-{transport}-{compression}"
        resource = Resource.create({"service.name": service, "service.version": "4.5.6"})
        span_exporter, log_exporter, metric_exporter = exporters(transport, compression)
        span_context, spans = send_spans(span_exporter, resource)
        logs = send_logs(log_exporter, resource, span_context)
        metrics = send_metrics(metric_exporter, resource)
        print(json.dumps({"service": service, "spans": spans, "logs": logs, "metrics": metrics}), flush=True)
