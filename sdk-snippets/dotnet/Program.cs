using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Trace;

var source = new ActivitySource("orders");
var builder = WebApplication.CreateBuilder(args);

// Endpoint, headers and service name come from OTEL_* variables; this exports traces, metrics and logs.
builder.Services.AddOpenTelemetry()
    .UseOtlpExporter()
    .WithTracing(tracing => tracing
        .AddSource(source.Name)
        .AddAspNetCoreInstrumentation(options => options.RecordException = true)
        .AddHttpClientInstrumentation())
    .WithLogging();

var app = builder.Build();

app.MapGet("/orders/{id}", (string id, ILogger<Program> log) =>
{
    using var activity = source.StartActivity("load order");
    activity?.SetTag("order.id", id);
    log.LogInformation("order {OrderId} loaded", id);
    return new { order = id };
});

app.MapGet("/fail", string () => throw new InvalidOperationException("the warehouse is closed"));

app.Run($"http://127.0.0.1:{Environment.GetEnvironmentVariable("PORT") ?? "8080"}");
