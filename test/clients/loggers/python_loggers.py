"""Writes the same three statements with the logger named in the first argument, as its users set it up."""

import logging
import sys

IDS = {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}
OTEL_IDS = {"otelTraceID": IDS["trace_id"], "otelSpanID": IDS["span_id"], "otelTraceSampled": True}


def write(log, with_fields):
    with_fields(log.info, "order placed")
    log.warning("slow query")
    try:
        {}["card"]
    except KeyError:
        log.exception("payment failed")


def use_logging():
    logging.basicConfig(level="DEBUG", format="%(asctime)s %(levelname)s [%(name)s] %(message)s")
    fields = " ".join(f"{key}={value}" for key, value in IDS.items())
    write(logging.getLogger("shop"), lambda info, text: info(f"{text} orderId=7 {fields}"))


def use_basic():
    write(logging.getLogger(), lambda info, text: logging.warning(text))


def use_json_logger():
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level="DEBUG", handlers=[handler])
    write(logging.getLogger("shop"), lambda info, text: info(text, extra={"orderId": 7, **OTEL_IDS}))


def use_structlog():
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    write(structlog.get_logger(), lambda info, text: info(text, orderId=7, **IDS))


{
    "logging": use_logging,
    "basic": use_basic,
    "json-logger": use_json_logger,
    "structlog": use_structlog,
}[sys.argv[1]]()
