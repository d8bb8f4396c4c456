"""The command line, run against services that a test writes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.console.__main__ import app
from services.console.settings import PORTS
from tests.fakes.services import FakeServices, serving_fakes


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    page: str
    errors: str

    @property
    def value(self) -> object:
        """The one JSON value on standard output."""
        return json.loads(self.page)


Visavis = Callable[..., Said]


@pytest.fixture
def services() -> Iterator[FakeServices]:
    with serving_fakes() as fakes:
        yield fakes


@pytest.fixture
def visavis(services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visavis:
    """Run `visavis ARGUMENTS` in this process, against `services`."""
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    for service in PORTS:
        monkeypatch.setenv(f"VISAVIS_{service.upper()}_ADDRESS", services.address)
    # Logs and telemetry are configured once in a process, and this one is the tests'.
    monkeypatch.setattr("shared.observability.logging.configure", lambda *_, **__: None)
    monkeypatch.setattr("services.console.session.configure", lambda *_, **__: _Nothing())

    def run(*arguments: str) -> Said:
        done = CliRunner().invoke(app, arguments)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Said(done.exit_code, done.stdout, done.stderr)

    return run


class _Nothing:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None
