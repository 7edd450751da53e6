//! A service in two routes: spans and log lines through `tracing`.

use axum::{Router, extract::Path, extract::Request, http::StatusCode, middleware, middleware::Next, response::Response, routing::get};
use opentelemetry::{global, trace::TracerProvider};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{LogExporter, SpanExporter};
use opentelemetry_sdk::{logs::SdkLoggerProvider, propagation::TraceContextPropagator, trace::SdkTracerProvider};
use tracing::{Instrument, Span, error, field::Empty, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Endpoint, headers and service name come from OTEL_* variables.
    let spans = SdkTracerProvider::builder()
        .with_batch_exporter(SpanExporter::builder().with_http().build()?)
        .build();
    let logs = SdkLoggerProvider::builder()
        .with_batch_exporter(LogExporter::builder().with_http().build()?)
        .build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(spans.tracer("orders")))
        .with(OpenTelemetryTracingBridge::new(&logs))
        .init();

    let routes = Router::new()
        .route("/orders/{id}", get(order))
        .route("/fail", get(fail))
        .layer(middleware::from_fn(traced));
    let port = std::env::var("PORT").unwrap_or("8080".into());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?.port());
    axum::serve(listener, routes)
        .with_graceful_shutdown(async { let _ = tokio::signal::ctrl_c().await; })
        .await?;
    spans.shutdown()?;
    logs.shutdown()?;
    Ok(())
}

/// A server span around every request, under the caller's `traceparent`.
async fn traced(request: Request, next: Next) -> Response {
    let parent = global::get_text_map_propagator(|propagator| propagator.extract(&HeaderExtractor(request.headers())));
    let (method, path) = (request.method().to_string(), request.uri().path().to_string());
    let span = info_span!(
        "request",
        otel.name = %format!("{method} {path}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        url.path = path,
        http.response.status_code = Empty,
    );
    let _ = span.set_parent(parent);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

async fn order(Path(id): Path<String>) -> String {
    info_span!("load order", order.id = id).in_scope(|| info!("order {id} loaded"));
    format!(r#"{{"order":"{id}"}}"#)
}

async fn fail() -> (StatusCode, &'static str) {
    let reason = "the warehouse is closed";
    Span::current().record("otel.status_description", reason);
    error!(exception.r#type = "Closed", exception.message = reason, "{reason}");
    (StatusCode::INTERNAL_SERVER_ERROR, reason)
}
