"""Where the telemetry of a process goes and how much of it is kept."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["json", "console"]


class TelemetrySettings(BaseSettings):
    """Read from `VISAVIS_…` variables.

    The exporter also honours `OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE` and `…_COMPRESSION`; `OTEL_EXPORTER_OTLP_ENDPOINT`
    is not read, so that a variable meant for another program on the machine never redirects ours.
    """

    model_config = SettingsConfigDict(env_prefix="VISAVIS_", frozen=True)

    home: Path = Path(".visavis")
    """Files go to `telemetry/` below it."""

    otlp_endpoint: str | None = None
    """Base URL of an OTLP/HTTP collector, e.g. `http://127.0.0.1:4318`; absent means OTLP-JSON files."""

    trace_sample_ratio: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of ordinary traces kept; runs and errors are kept whatever it is."""

    trace_flush_seconds: Annotated[float, Field(gt=0)] = 1.0
    """How late an ended span may leave the process: what a SIGKILL can lose."""

    metric_interval_seconds: Annotated[float, Field(gt=0)] = 15.0
    """How often metrics leave the process."""

    telemetry_max_mb: Annotated[int, Field(ge=2)] = 256
    """Most that the files of all processes together take on disk; the oldest go first."""

    log_level: LogLevel = "INFO"
    log_format: LogFormat | None = None
    """Absent means `console` on a terminal, `json` elsewhere."""

    @property
    def telemetry_directory(self) -> Path:
        return self.home / "telemetry"
