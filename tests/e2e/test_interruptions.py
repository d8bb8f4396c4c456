"""Ctrl-C in every phase of a demonstration's start stops all of it, quickly and in words."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.installation import ROOT, SERVICES, Installation, demonstration, leftovers

pytestmark = [pytest.mark.timeout(120)]

PHASES = {
    "PostgreSQL starts": "postgres/data/postmaster.pid",
    "services start": "logs/feedback-worker.log",
}


def wait_for(path: Path, running: Installation) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, running.logs()
        assert running.process.poll() is None, running.logs()
        time.sleep(0.01)


@pytest.mark.parametrize("phase", PHASES)
def test_an_interrupted_demonstration_leaves_nothing_running(tmp_path: Path, phase: str) -> None:
    with demonstration(tmp_path, "--customers", "2000") as running:
        wait_for(running.home / PHASES[phase], running)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 130, running.logs()
    assert leftovers(running.home) == []
    assert "Traceback" not in running.output()
    assert running.output().rstrip().endswith("stopped")


def test_a_second_demonstration_leaves_the_first_one_alone(tmp_path: Path) -> None:
    with demonstration(tmp_path, "--customers", "2000") as running:
        wait_for(running.home / "extracts", running)
        variables = dict(running.environment)
        same_home = visavis_demo(variables)
        same_ports = visavis_demo({**variables, "VISAVIS_HOME": str(tmp_path / "other")})
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(60) == 130, running.logs()
    assert same_home.returncode == same_ports.returncode == 1
    assert "another `visavis up` or `visavis demo` runs" in same_home.stderr
    for service in SERVICES:
        assert f"VISAVIS_{service.upper()}_PORT: 127.0.0.1:" in same_ports.stderr
    assert not (tmp_path / "other" / "logs").exists()
    assert leftovers(running.home) == []
    assert "Traceback" not in running.output() + same_home.stderr + same_ports.stderr


def visavis_demo(variables: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.console", "demo"],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
