"""The collector's configuration refers only to what it defines, and listens where the exporters send."""

from pathlib import Path
from typing import Any

import pytest
import yaml

CONFIG = Path(__file__).parents[3] / "deploy" / "collector" / "otelcol.yaml"


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    return loaded


@pytest.mark.parametrize("role", ["receivers", "processors", "exporters"])
def test_pipelines_use_every_component_and_nothing_undefined(config: dict[str, Any], role: str) -> None:
    used = {name for pipeline in config["service"]["pipelines"].values() for name in pipeline[role]}
    assert used == set(config[role])


def test_traces_and_metrics_are_taken_by_http_and_traces_go_to_jaeger(config: dict[str, Any]) -> None:
    assert config["receivers"]["otlp"]["protocols"]["http"]["endpoint"].endswith(":4318")
    assert set(config["service"]["pipelines"]) == {"traces", "metrics"}
    assert "otlp/jaeger" in config["service"]["pipelines"]["traces"]["exporters"]
    assert set(config["service"]["extensions"]) == set(config["extensions"])
