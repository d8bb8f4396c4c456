"""The five services have one shape, and the import contracts that say so see what breaks them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, SERVICES

SHAPE = ("__main__", "settings", "domain", "ports", "use_cases", "tables", "postgres", "servicer", "worker")
INDEPENDENCE = "Services never import each other"
DIRECTION = "services > shared > generated stubs"
SAME_SHAPE = "Every service has the same shape"
NO_IO = "The core does no I/O"
EDGES = "Only the edges speak protobuf"


def module_exists(service: str, name: str) -> bool:
    folder = ROOT / "services" / service
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_each_of_the_five_services_has_the_same_files(service: str) -> None:
    missing = [name for name in SHAPE if not module_exists(service, name)]
    assert missing == [], (
        f"services/{service} has no {', '.join(missing)}; STYLE: same names, same jobs in every service"
    )
    assert (ROOT / "services" / service / "migrations" / "env.py").is_file()


def test_there_are_five_services_and_two_edges() -> None:
    packages = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
    assert packages == {*SERVICES, "console", "sandbox"}


@pytest.fixture(scope="module")
def small_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of empty modules under this repository's own contracts."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for service in SERVICES:
        for name in (*SHAPE, "datasets", "clients", "engine"):
            write(root, f"services/{service}/{name}.py")
    for package in (
        "services",
        "shared",
        "visavis",
        *(f"services/{name}" for name in (*SERVICES, "console", "sandbox")),
    ):
        write(root, f"{package}/__init__.py")
    write(root, "shared/lake.py")
    write(root, "visavis/profile_pb2.py")
    return root


def write(root: Path, name: str, text: str = "") -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def broken_contracts(root: Path) -> tuple[set[str], str]:
    """Run the linter on the tree in `root`; return the contracts that it says are broken, and all it said."""
    linter = str(Path(sys.executable).parent / "lint-imports")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(root),
        "COLUMNS": "200",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [linter, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == ("BROKEN" not in done.stdout and "Missing" not in done.stdout), done.stdout
    lines = done.stdout.splitlines()
    return {line.removesuffix(" BROKEN").strip() for line in lines if line.endswith(" BROKEN")}, done.stdout


def test_a_tree_that_keeps_the_contracts_passes(small_house: Path) -> None:
    assert broken_contracts(small_house)[0] == set()


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("services/scoring/worker.py", "import services.profile.domain", INDEPENDENCE),
        ("services/console/__init__.py", "import services.sandbox", INDEPENDENCE),
        ("shared/lake.py", "import services.profile.domain", DIRECTION),
        ("services/profile/use_cases.py", "import services.profile.postgres", SAME_SHAPE),
        ("services/profile/domain.py", "import services.profile.engine", SAME_SHAPE),
        ("services/profile/postgres.py", "import services.profile.servicer", SAME_SHAPE),
        ("services/profile/use_cases.py", "import services.profile.settings", SAME_SHAPE),
        ("services/profile/helpers.py", "", SAME_SHAPE),
        ("services/dispatch/domain.py", "import sqlalchemy", NO_IO),
        ("services/dispatch/use_cases.py", "import grpc", NO_IO),
        ("services/dispatch/engine.py", "import visavis.profile_pb2", NO_IO),
        ("services/feedback/postgres.py", "import visavis.profile_pb2", EDGES),
    ],
)
def test_a_planted_violation_is_caught(small_house: Path, module: str, statement: str, contract: str) -> None:
    path = small_house / module
    before = path.read_text() if path.exists() else None
    path.write_text(statement + "\n")
    try:
        broken, told = broken_contracts(small_house)
    finally:
        path.unlink() if before is None else path.write_text(before)
    assert contract in broken, told


def test_a_service_without_its_ports_is_caught(small_house: Path) -> None:
    path = small_house / "services/feedback/ports.py"
    path.unlink()
    try:
        told = broken_contracts(small_house)[1]
    finally:
        path.touch()
    assert "services.feedback.ports" in " ".join(told.split())
