// Sends one trace, two logs and three metrics through each exporter of the Go SDK, and prints what it sent.
//
// Usage: send http://127.0.0.1:PORT
// Prints one line of JSON for each exporter: what test/clients/sent.ts calls Sent.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Above 2^53: printed as text, since JSON readers round it.
const big = int64(9007199254740993)

type object = map[string]any

func main() {
	ctx := context.Background()
	for _, transport := range []string{"http", "grpc"} {
		for _, compression := range []string{"none", "gzip"} {
			service := "go-" + transport + "-" + compression
			res := resource.NewSchemaless(
				attribute.String("service.name", service),
				attribute.String("service.version", "4.5.6"),
			)
			spanExporter, logExporter, metricExporter := exporters(ctx, transport, compression)
			spans, parent := sendSpans(ctx, spanExporter, res)
			logs := sendLogs(trace.ContextWithSpanContext(ctx, parent), logExporter, res)
			metrics := sendMetrics(ctx, metricExporter, res)
			line, err := json.Marshal(object{"service": service, "spans": spans, "logs": logs, "metrics": metrics})
			check(err)
			fmt.Println(string(line))
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// exporters makes the three exporters for "http" or "grpc", compressed by "gzip" or "none".
func exporters(ctx context.Context, transport, compression string) (sdktrace.SpanExporter, sdklog.Exporter, sdkmetric.Exporter) {
	url := os.Args[1]
	if transport == "grpc" {
		traceOptions := []otlptracegrpc.Option{otlptracegrpc.WithEndpointURL(url)}
		logOptions := []otlploggrpc.Option{otlploggrpc.WithEndpointURL(url)}
		metricOptions := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpointURL(url)}
		if compression == "gzip" {
			traceOptions = append(traceOptions, otlptracegrpc.WithCompressor("gzip"))
			logOptions = append(logOptions, otlploggrpc.WithCompressor("gzip"))
			metricOptions = append(metricOptions, otlpmetricgrpc.WithCompressor("gzip"))
		}
		spans, err := otlptracegrpc.New(ctx, traceOptions...)
		check(err)
		logs, err := otlploggrpc.New(ctx, logOptions...)
		check(err)
		metrics, err := otlpmetricgrpc.New(ctx, metricOptions...)
		check(err)
		return spans, logs, metrics
	}
	traceCompression, logCompression, metricCompression :=
		otlptracehttp.NoCompression, otlploghttp.NoCompression, otlpmetrichttp.NoCompression
	if compression == "gzip" {
		traceCompression, logCompression, metricCompression =
			otlptracehttp.GzipCompression, otlploghttp.GzipCompression, otlpmetrichttp.GzipCompression
	}
	host := strings.TrimPrefix(url, "http://")
	spans, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(host), otlptracehttp.WithInsecure(),
		otlptracehttp.WithCompression(traceCompression))
	check(err)
	logs, err := otlploghttp.New(ctx, otlploghttp.WithEndpoint(host), otlploghttp.WithInsecure(),
		otlploghttp.WithCompression(logCompression))
	check(err)
	metrics, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpoint(host), otlpmetrichttp.WithInsecure(),
		otlpmetrichttp.WithCompression(metricCompression))
	check(err)
	return spans, logs, metrics
}

func sendSpans(ctx context.Context, exporter sdktrace.SpanExporter, res *resource.Resource) ([]object, trace.SpanContext) {
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(res))
	tracer := provider.Tracer("checkout", trace.WithInstrumentationVersion("1.2.3"))
	ctx, parent := tracer.Start(ctx, "GET /cart", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("user.name", "Zoë ☕"),
		attribute.Bool("cart.empty", true),
		attribute.Float64("cart.weight", 0.25),
		attribute.Int64("cart.id", big),
		attribute.Int64("cart.delta", -7),
		attribute.StringSlice("cart.tags", []string{"a", "b"}),
		attribute.IntSlice("cart.counts", []int{1, 2, 300}),
	))
	parent.AddEvent("cache miss", trace.WithAttributes(attribute.String("cache.name", "carts")))
	link := trace.Link{
		SpanContext: parent.SpanContext(),
		Attributes:  []attribute.KeyValue{attribute.String("link.reason", "retry")},
	}
	_, child := tracer.Start(ctx, "SELECT cart", trace.WithSpanKind(trace.SpanKindClient), trace.WithLinks(link))
	child.End()
	parent.SetStatus(codes.Error, "no cart")
	parent.End()
	check(provider.ForceFlush(ctx))
	check(provider.Shutdown(ctx))
	return []object{sentSpan(parent), sentSpan(child)}, parent.SpanContext()
}

func sentSpan(span trace.Span) object {
	ended := span.(sdktrace.ReadOnlySpan)
	parent := ""
	if ended.Parent().HasSpanID() {
		parent = ended.Parent().SpanID().String()
	}
	events := []object{}
	for _, event := range ended.Events() {
		events = append(events, object{
			"name": event.Name, "timeNs": nanoseconds(event.Time), "attributes": sentAttributes(event.Attributes),
		})
	}
	links := []object{}
	for _, link := range ended.Links() {
		links = append(links, object{
			"traceId":    link.SpanContext.TraceID().String(),
			"spanId":     link.SpanContext.SpanID().String(),
			"attributes": sentAttributes(link.Attributes),
		})
	}
	return object{
		"traceId":       ended.SpanContext().TraceID().String(),
		"spanId":        ended.SpanContext().SpanID().String(),
		"parentSpanId":  parent,
		"name":          ended.Name(),
		"kind":          ended.SpanKind().String(),
		"startNs":       nanoseconds(ended.StartTime()),
		"endNs":         nanoseconds(ended.EndTime()),
		"statusCode":    strings.ToLower(ended.Status().Code.String()),
		"statusMessage": ended.Status().Description,
		"attributes":    sentAttributes(ended.Attributes()),
		"events":        events,
		"links":         links,
	}
}

func sentAttributes(attributes []attribute.KeyValue) object {
	sent := object{}
	for _, each := range attributes {
		sent[string(each.Key)] = each.Value.AsInterface()
		if each.Value.Type() == attribute.INT64 && each.Value.AsInt64() == big {
			sent[string(each.Key)] = strconv.FormatInt(big, 10)
		}
	}
	return sent
}

func nanoseconds(at time.Time) string {
	return strconv.FormatInt(at.UnixNano(), 10)
}

func sendLogs(ctx context.Context, exporter sdklog.Exporter, res *resource.Resource) []object {
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)), sdklog.WithResource(res))
	logger := provider.Logger("checkout")
	span := trace.SpanContextFromContext(ctx)
	sent := []object{}
	emit := func(severity log.Severity, text string, body attribute.Value, plainBody any, attributes object) {
		var record log.Record
		now := time.Now()
		record.SetTimestamp(now)
		record.SetSeverity(severity)
		record.SetSeverityText(text)
		record.SetBody(body)
		for key, value := range attributes {
			record.AddAttributes(attribute.Int(key, value.(int)))
		}
		logger.Emit(ctx, record)
		sent = append(sent, object{
			"traceId": span.TraceID().String(), "spanId": span.SpanID().String(), "timeNs": nanoseconds(now),
			"severity": int(severity), "severityText": text, "body": plainBody, "attributes": attributes,
		})
	}
	emit(log.SeverityWarn, "WARN", attribute.StringValue("cart is empty: Zoë"), "cart is empty: Zoë", object{"cart.items": 3})
	steps := attribute.MapValue(attribute.String("step", "load"), attribute.IntSlice("tries", []int{1, 2}))
	emit(log.SeverityInfo, "INFO", steps, object{"step": "load", "tries": []int{1, 2}}, object{})
	check(provider.ForceFlush(ctx))
	check(provider.Shutdown(ctx))
	return sent
}

func sendMetrics(ctx context.Context, exporter sdkmetric.Exporter, res *resource.Resource) []object {
	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour))
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithResource(res))
	meter := provider.Meter("checkout")
	labels := metric.WithAttributes(attribute.String("shop", "north"))
	counter, err := meter.Int64Counter("carts", metric.WithUnit("1"))
	check(err)
	counter.Add(ctx, 3, labels)
	histogram, err := meter.Float64Histogram("latency", metric.WithUnit("ms"))
	check(err)
	histogram.Record(ctx, 12.5, labels)
	histogram.Record(ctx, 80, labels)
	gauge, err := meter.Float64Gauge("temperature")
	check(err)
	gauge.Record(ctx, -3.5, labels)
	check(provider.ForceFlush(ctx))
	check(provider.Shutdown(ctx))
	sent := object{"shop": "north"}
	return []object{
		{"name": "carts", "type": "sum", "value": 3, "attributes": sent},
		{"name": "latency", "type": "histogram", "count": 2, "sum": 92.5, "attributes": sent},
		{"name": "temperature", "type": "gauge", "value": -3.5, "attributes": sent},
	}
}
