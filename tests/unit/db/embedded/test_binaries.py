"""The newest PostgreSQL of the wheel is taken, and what is missing is named."""

from pathlib import Path

import pytest

from shared.db.embedded.binaries import find_binaries
from shared.errors import Unavailable


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def _package(site: Path, name: str, *installations: str) -> Path:
    for installation in installations:
        folder = site / name / installation / "bin"
        folder.mkdir(parents=True)
        for program in ("postgres", "initdb"):
            (folder / program).touch()
    (site / name).mkdir(exist_ok=True)
    (site / name / "__init__.py").write_text("raise RuntimeError('imported')\n")
    return site / name


def test_the_installed_wheel_brings_version_18_or_newer() -> None:
    assert find_binaries().folder.parent.name >= "pginstall18"


def test_the_newest_is_taken_and_the_package_is_not_imported(site: Path) -> None:
    root = _package(site, "wheel_of_three", "pginstall", "pginstall9", "pginstall18")

    assert find_binaries("wheel_of_three").initdb == root / "pginstall18" / "bin" / "initdb"


def test_a_missing_package_is_named_with_what_to_do() -> None:
    with pytest.raises(Unavailable, match=r"'wheel_of_none' is not installed; run 'make setup'.*VISAVIS_DATABASE_URL"):
        find_binaries("wheel_of_none")


def test_a_package_without_programs_is_named(site: Path) -> None:
    root = _package(site, "wheel_of_air")

    with pytest.raises(Unavailable, match=rf"{root} holds no pginstall\*/bin"):
        find_binaries("wheel_of_air")


def test_an_installation_without_initdb_is_refused(site: Path) -> None:
    root = _package(site, "wheel_of_half", "pginstall18")
    (root / "pginstall18" / "bin" / "initdb").unlink()

    with pytest.raises(Unavailable, match="postgres and initdb"):
        find_binaries("wheel_of_half")
