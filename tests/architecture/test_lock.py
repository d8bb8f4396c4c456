"""requirements.lock is in step with pyproject.toml, and installs from any mirror: names, versions, hashes, no host."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT

_PIN = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>[^\s;]+)(?P<marker> ; [^\\]+)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def pins() -> dict[str, list[tuple[str, int]]]:
    """Return the versions of each package with their numbers of hashes; a universal lock may pin one per platform."""
    found: dict[str, list[tuple[str, int]]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip()):
        match = _PIN.match(block)
        assert match is not None, f"no pin: {block.splitlines()[0]}"
        found.setdefault(match["name"], []).append((match["version"], len(_HASH.findall(block))))
    return found


def wanted() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(text) for text in (*project["dependencies"], *project["optional-dependencies"]["dev"])]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_every_dependency_is_pinned_at_a_version_that_satisfies_it(requirement: Requirement) -> None:
    versions = [version for version, _ in pins().get(canonicalize_name(requirement.name), [])]
    assert versions, f"requirements.lock has no {requirement.name}: run `make lock`"
    assert [v for v in versions if not requirement.specifier.contains(v, prereleases=True)] == [], "run `make lock`"


def test_every_pin_has_hashes() -> None:
    assert [name for name, versions in pins().items() if any(hashes == 0 for _, hashes in versions)] == []


def test_the_lock_names_no_host() -> None:
    assert (
        re.findall(r"https?://\S+|--(?:extra-)?index-url.*|--find-links.*", (ROOT / "requirements.lock").read_text())
        == []
    )
