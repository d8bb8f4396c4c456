"""Telemetry of a process is set up once and ends in order."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import build, configure
from shared.observability.traces import latest


def test_a_second_configuration_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    first = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: first)
    with pytest.raises(RuntimeError, match="configured already"):
        configure("profile", settings=TelemetrySettings())


def test_leaving_the_block_flushes_and_a_second_shutdown_does_nothing(tmp_path: Path) -> None:
    settings = TelemetrySettings(home=tmp_path, trace_flush_seconds=60)
    with build("profile", settings=settings) as telemetry:
        telemetry.tracer_provider.get_tracer("x").start_span("last").end()
    telemetry.shutdown()
    assert [summary.root for summary in latest(settings.telemetry_directory, limit=1)] == ["last"]


def test_a_flush_sends_what_has_ended(tmp_path: Path) -> None:
    settings = TelemetrySettings(home=tmp_path, trace_flush_seconds=60)
    with build("profile", settings=settings) as telemetry:
        telemetry.tracer_provider.get_tracer("x").start_span("early").end()
        telemetry.flush()
        assert [summary.root for summary in latest(settings.telemetry_directory, limit=1)] == ["early"]
