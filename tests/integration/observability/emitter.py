"""A process of its own that traces, links, logs and counts, for the tests to receive; run as a module."""

import os
import signal
import sys
import time

import structlog
from opentelemetry.trace import SpanKind

from shared.observability.context import KEEP, attach_traceparent, current_traceparent, links_from, meter, tracer
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure

NUMBER = "13800138000"


def start_run() -> None:
    """Begin a run, print its context as a queue row would carry it, and end."""
    with tracer("run").start_as_current_span("run", attributes={**KEEP, "rows": 7}):
        with tracer("run").start_as_current_span("stage one"):
            structlog.get_logger().info("stage_done", to=NUMBER)
        print(current_traceparent())


def work(traceparent: str) -> None:
    """Continue the run, then begin a trace of its own that links to it."""
    with attach_traceparent(traceparent), tracer("work").start_as_current_span("work", kind=SpanKind.CONSUMER) as span:
        span.set_attribute("msisdn", NUMBER)
    with tracer("work").start_as_current_span(f"send to {NUMBER}", links=links_from([traceparent])):
        meter("work").create_counter("visavis.test.sent").add(1)


def die(traceparent: str) -> None:
    """End a span, leave another open, and be killed a moment after the flush interval."""
    with attach_traceparent(traceparent), tracer("die").start_as_current_span("open"):
        tracer("die").start_span("ended").end()
        time.sleep(TelemetrySettings().trace_flush_seconds * 2)
        os.kill(os.getpid(), signal.SIGKILL)


def main(service: str, deed: str, *arguments: str) -> None:
    """Do it, then print in how many seconds telemetry stopped."""
    telemetry = configure(service, settings=TelemetrySettings())
    match deed:
        case "start_run":
            start_run()
        case "work":
            work(*arguments)
        case "die":
            die(*arguments)
    began = time.monotonic()
    telemetry.shutdown()
    print(time.monotonic() - began)


if __name__ == "__main__":
    main(*sys.argv[1:])
