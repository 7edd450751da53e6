# A service in two routes. Endpoint, headers and service name come from OTEL_* variables.
require "json"
require "opentelemetry/sdk"
require "opentelemetry/exporter/otlp"
require "opentelemetry/instrumentation/rack"
require "opentelemetry/instrumentation/sinatra"
require "sinatra"

OpenTelemetry::SDK.configure(&:use_all)
TRACER = OpenTelemetry.tracer_provider.tracer("orders")

set :bind, "127.0.0.1"
set :port, Integer(ENV.fetch("PORT", "8080"))
set :show_exceptions, false

get "/orders/:id" do |id|
  TRACER.in_span("load order", attributes: { "order.id" => id }) do |span|
    # Ruby's SDK sends no logs yet: a line on stdout with the trace's id is tied to it by `gasoline run`.
    puts JSON.generate(level: "info", message: "order #{id} loaded",
                       trace_id: span.context.hex_trace_id, span_id: span.context.hex_span_id)
    JSON.generate(order: id)
  end
end

get "/fail" do
  raise "the warehouse is closed"
end
