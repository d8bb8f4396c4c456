"""A wrong telemetry setting is refused at the start, by its name."""

import pytest
from pydantic import ValidationError

from shared.errors import InvalidInput
from shared.observability.settings import TelemetrySettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VISAVIS_OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("VISAVIS_TRACE_SAMPLE_RATIO", "1.5"),
        ("VISAVIS_TRACE_FLUSH_SECONDS", "0"),
        ("VISAVIS_TELEMETRY_MAX_MB", "1"),
        ("VISAVIS_LOG_LEVEL", "LOUD"),
        ("VISAVIS_LOG_FORMAT", "xml"),
    ],
)
def test_a_value_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("VISAVIS_").lower()):
        TelemetrySettings()


def test_a_misspelled_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_TRACE_SAMPLING", "0.1")
    with pytest.raises(InvalidInput, match="VISAVIS_TRACE_SAMPLING"):
        TelemetrySettings()
