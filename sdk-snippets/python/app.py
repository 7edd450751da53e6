"""A service in two routes. Nothing here sets up OpenTelemetry: `opentelemetry-instrument` does."""

import logging
import os

from flask import Flask
from opentelemetry import trace

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("orders")
tracer = trace.get_tracer("orders")
app = Flask("orders")


@app.get("/orders/<order_id>")
def order(order_id):
    with tracer.start_as_current_span("load order", attributes={"order.id": order_id}):
        log.info("order %s loaded", order_id)
        return {"order": order_id}


@app.get("/fail")
def fail():
    raise RuntimeError("the warehouse is closed")


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "8080"))
    print(f"listening on {port}", flush=True)
    app.run(host="127.0.0.1", port=port)
