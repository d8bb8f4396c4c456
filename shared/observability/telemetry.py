"""Starts and stops the logs, traces and metrics of this process."""

import atexit
import os
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Final, Self, cast

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from shared.observability import logging as process_logging
from shared.observability.exporting import FailuresToo, MaskingExporter
from shared.observability.files import BoundedFiles
from shared.observability.sampling import KeepRunsAndFailures
from shared.observability.settings import TelemetrySettings
from shared.observability.span_lines import SpanLines

_EXPORT_TIMEOUT_SECONDS: Final = 2.0
"""An export with all its retries; also about what a process waits at its end for a collector that is down."""


@dataclass(slots=True, kw_only=True)
class Telemetry:
    """What `configure` started; a context manager that flushes at its end, as the interpreter's exit also does."""

    tracer_provider: TracerProvider
    meter_provider: MeterProvider
    exporter: MaskingExporter
    _is_running: bool = field(default=True, init=False)

    def flush(self) -> None:
        """Send what has ended until now."""
        self.tracer_provider.force_flush()
        self.meter_provider.force_flush()

    def shutdown(self) -> None:
        """Send what is left and stop; the second call does nothing. Takes about two seconds at most when nobody listens."""
        if not self._is_running:
            return
        self._is_running = False
        atexit.unregister(self.shutdown)
        self.exporter.hurry()
        self.tracer_provider.shutdown()
        self.meter_provider.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()


def configure(service: str, *, settings: TelemetrySettings) -> Telemetry:
    """Set up logging and the global tracer and meter providers of this process, once, before the first request.

    Raises RuntimeError if the process has been configured before: OpenTelemetry keeps the first provider for good, and
    everything sent to a second one would be lost.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        raise RuntimeError(
            f"telemetry of this process is configured already; call configure once, in __main__ of {service}"
        )
    process_logging.configure(service, settings=settings)
    telemetry = build(service, settings=settings)
    trace.set_tracer_provider(telemetry.tracer_provider)
    metrics.set_meter_provider(telemetry.meter_provider)
    atexit.register(telemetry.shutdown)
    return telemetry


def build(service: str, *, settings: TelemetrySettings) -> Telemetry:
    """Make the providers of `service` without installing them as the process's own."""
    resource = Resource.create({"service.name": service, "process.pid": os.getpid()})
    span_exporter, metric_exporter = _exporters(service, settings)
    exporter = MaskingExporter(span_exporter, destination=settings.otlp_endpoint or str(settings.telemetry_directory))
    tracer_provider = TracerProvider(
        KeepRunsAndFailures(settings.trace_sample_ratio), resource=resource, shutdown_on_exit=False
    )
    batches = BatchSpanProcessor(exporter, schedule_delay_millis=settings.trace_flush_seconds * 1000)
    tracer_provider.add_span_processor(FailuresToo(batches))
    reader = PeriodicExportingMetricReader(metric_exporter, settings.metric_interval_seconds * 1000)
    meter_provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    return Telemetry(tracer_provider=tracer_provider, meter_provider=meter_provider, exporter=exporter)


def _exporters(service: str, settings: TelemetrySettings) -> tuple[SpanExporter, MetricExporter]:
    if settings.otlp_endpoint:
        return _collector_exporters(settings.otlp_endpoint.rstrip("/"))
    return _file_exporters(service, settings)


def _collector_exporters(endpoint: str) -> tuple[SpanExporter, MetricExporter]:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return (
        OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_EXPORT_TIMEOUT_SECONDS),
        OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=_EXPORT_TIMEOUT_SECONDS),
    )


def _file_exporters(service: str, settings: TelemetrySettings) -> tuple[SpanExporter, MetricExporter]:
    from opentelemetry.exporter.otlp.json.file import FileMetricExporter

    def files(kind: str) -> BoundedFiles:
        max_bytes = settings.telemetry_max_mb * 1_000_000
        return BoundedFiles(settings.telemetry_directory, kind=kind, service=service, max_bytes=max_bytes)

    metrics_file = cast("IO[str]", files("metrics"))  # the exporter only writes, flushes and asks whether it is closed
    return SpanLines(files("traces")), FileMetricExporter(stream=metrics_file)
