"""The wheel, which is what the image installs, has all that a checkout has: code, stubs, SQL, migrations, command."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, place


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built here, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def expected() -> set[str]:
    """Return the paths of all files of the packages, as the wheel should call them."""
    paths = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return {place(path).removeprefix("shared/gen/") for path in paths if not _is_by_product(path)}


def _is_by_product(path: Path) -> bool:
    return "__pycache__" in path.parts


def test_the_wheel_has_every_file_of_the_packages_once(packed: list[str]) -> None:
    told = [name for name in packed if ".dist-info/" not in name]
    assert sorted(told) == sorted(expected())


def test_the_wheel_installs_the_command(packed: list[str]) -> None:
    assert [name for name in packed if name.endswith(".dist-info/entry_points.txt")]
