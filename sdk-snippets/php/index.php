<?php

// A service in two routes. With OTEL_PHP_AUTOLOAD_ENABLED=true the SDK sets itself up from OTEL_* variables.
require __DIR__ . '/vendor/autoload.php';

use OpenTelemetry\API\Globals;
use OpenTelemetry\API\Logs\LogRecord;
use OpenTelemetry\API\Logs\Severity;
use OpenTelemetry\API\Trace\SpanKind;
use OpenTelemetry\API\Trace\StatusCode;

$tracer = Globals::tracerProvider()->getTracer('orders');
$logger = Globals::loggerProvider()->getLogger('orders');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
$route = str_starts_with($path, '/orders/') ? '/orders/{id}' : $path;

$request = $tracer->spanBuilder("{$_SERVER['REQUEST_METHOD']} $route")
    ->setSpanKind(SpanKind::KIND_SERVER)
    ->setParent(Globals::propagator()->extract(array_change_key_case(getallheaders())))
    ->setAttribute('http.request.method', $_SERVER['REQUEST_METHOD'])
    ->setAttribute('http.route', $route)
    ->setAttribute('url.path', $path)
    ->startSpan();
$scope = $request->activate();

try {
    if ($path === '/fail') {
        throw new RuntimeException('the warehouse is closed');
    }
    $id = basename($path);
    $span = $tracer->spanBuilder('load order')->setAttribute('order.id', $id)->startSpan();
    $inner = $span->activate();
    $logger->emit((new LogRecord("order $id loaded"))->setSeverityNumber(Severity::INFO)->setSeverityText('INFO'));
    $inner->detach();
    $span->end();
    echo json_encode(['order' => $id]);
} catch (Throwable $error) {
    $request->recordException($error)->setStatus(StatusCode::STATUS_ERROR, $error->getMessage());
    http_response_code(500);
    echo $error->getMessage();
} finally {
    $request->setAttribute('http.response.status_code', http_response_code());
    $scope->detach();
    $request->end();
}
