"""What the documents tell a newcomer to run or to open exists."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, place

DECISIONS = ROOT / "deploy" / "decisions"
_PATH = re.compile(r"`((?:deploy|protos|services|shared|tests)/[\w./-]*|[\w.-]+\.(?:md|toml|yml|lock))`")
_TARGET = re.compile(r"(?:`|^)make ([a-z]+)\b", re.MULTILINE)
_MODULE = re.compile(r"(?:`|^)python -m ((?:services|shared|tests)[\w.]*)", re.MULTILINE)
_TITLE = re.compile(r"# (\d{4}): (.+)")


def documents() -> list[Path]:
    return [path for path in files(".md") if not path.is_relative_to(ROOT / "tests")]


def decisions() -> list[Path]:
    return sorted(DECISIONS.glob("[0-9]*.md"))


@pytest.mark.parametrize("document", documents(), ids=place)
def test_files_targets_and_modules_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert [name for name in _PATH.findall(text) if not _exists(name)] == []
    assert [name for name in _TARGET.findall(text) if name not in targets] == []
    assert [name for name in _MODULE.findall(text) if importlib.util.find_spec(name) is None] == []


def _exists(name: str) -> bool:
    """Whether a path is there as said, or a bare name somewhere below services."""
    return (ROOT / name).exists() or ("/" not in name and any((ROOT / "services").rglob(name)))


@pytest.mark.parametrize("decision", decisions(), ids=lambda path: path.stem)
def test_a_decision_has_its_number_its_parts_and_a_line_in_the_index(decision: Path) -> None:
    text = decision.read_text()
    title = _TITLE.match(text)
    assert title is not None
    assert decision.name.startswith(f"{title[1]}-")
    for part in ("Context", "Decision", "Consequences", "Alternatives", "Files"):
        assert f"**{part}.**" in text, f"say the {part.lower()}"
    assert f"[{title[1]}]({decision.name})" in (DECISIONS / "README.md").read_text(), "add a line to the index"


def test_no_number_of_a_decision_is_used_twice() -> None:
    numbers = [path.name[:4] for path in decisions()]
    assert len(numbers) == len(set(numbers))


def test_decisions_cited_in_the_code_exist() -> None:
    known = {path.name[:4] for path in decisions()}
    cited = {(number, place(path)) for path in files(".py", ".sql", ".proto") for number in _cited(path.read_text())}
    assert cited
    assert sorted(where for number, where in cited if number not in known) == []


def _cited(text: str) -> list[str]:
    return re.findall(r"\b(?:ADR |decisions/)(\d{4})\b", text)


def test_the_changelog_has_an_unreleased_part() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()
