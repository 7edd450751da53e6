// A service in two routes: spans through otelhttp, log lines through slog.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	logglobal "go.opentelemetry.io/otel/log/global"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	shutdown, err := startTelemetry(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer shutdown()

	routes := http.NewServeMux()
	routes.HandleFunc("GET /orders/{id}", order)
	routes.HandleFunc("GET /fail", fail)
	listener, err := net.Listen("tcp", "127.0.0.1:"+port())
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: otelhttp.NewHandler(routes, "orders")}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
	}
}

// startTelemetry sets the SDK up; endpoint, headers and service name come from OTEL_* variables.
func startTelemetry(ctx context.Context) (shutdown func(), err error) {
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := otlploghttp.New(ctx)
	if err != nil {
		return nil, err
	}
	tracerProvider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	loggerProvider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)))
	otel.SetTracerProvider(tracerProvider)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	logglobal.SetLoggerProvider(loggerProvider)
	slog.SetDefault(otelslog.NewLogger("orders"))
	return func() {
		_ = tracerProvider.Shutdown(context.Background())
		_ = loggerProvider.Shutdown(context.Background())
	}, nil
}

func order(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	ctx, span := otel.Tracer("orders").Start(r.Context(), "load order", trace.WithAttributes(attribute.String("order.id", id)))
	defer span.End()
	slog.InfoContext(ctx, "order "+id+" loaded")
	fmt.Fprintf(w, `{"order":%q}`, id)
}

func fail(w http.ResponseWriter, r *http.Request) {
	err := errors.New("the warehouse is closed")
	span := trace.SpanFromContext(r.Context())
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func port() string {
	if port := os.Getenv("PORT"); port != "" {
		return port
	}
	return "8080"
}
