"""Where the telemetry of a process goes and how much of it is kept."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from shared.settings import VisavisSettings

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "console"]


class TelemetrySettings(VisavisSettings):
    """Telemetry of one process.

    The exporter also honours `OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE` and `…_COMPRESSION`; `OTEL_EXPORTER_OTLP_ENDPOINT`
    is not read, so that a variable meant for another program on the machine never redirects ours.
    """

    owned_prefixes: ClassVar[tuple[str, ...]] = (
        "VISAVIS_OTLP_",
        "VISAVIS_TRACE_",
        "VISAVIS_METRIC_",
        "VISAVIS_TELEMETRY_",
        "VISAVIS_LOG_",
    )

    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/]+",
        description="Base URL of an OTLP/HTTP collector, e.g. http://127.0.0.1:4318; absent means files in VISAVIS_HOME/telemetry.",
    )
    trace_sample_ratio: float = Field(
        default=1.0, ge=0, le=1, description="Share of ordinary traces kept; runs and errors are kept whatever it is."
    )
    trace_flush_seconds: float = Field(
        default=1.0, gt=0, description="How late an ended span may leave the process: what a SIGKILL can lose."
    )
    metric_interval_seconds: float = Field(default=15.0, gt=0, description="How often metrics leave the process.")
    telemetry_max_mb: int = Field(
        default=256,
        ge=2,
        description="Most that the telemetry files of all processes take on disk; the oldest go first.",
    )
    log_level: LogLevel = Field(default="INFO", description="Least severe level that is logged.")
    log_format: LogFormat | None = Field(
        default=None, description="json or console; absent means console on a terminal, json elsewhere."
    )

    @property
    def telemetry_directory(self) -> Path:
        return self.home / "telemetry"
