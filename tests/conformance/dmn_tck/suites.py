"""Finds suites in a folder, however deep, and reads their test cases."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from services.recommendation.engine.dmn.markup import parse
from shared.errors import InvalidInput
from tests.conformance.dmn_tck.trees import NAMESPACE, Tree, UnreadableError, read_tree


@dataclass(frozen=True)
class Expected:
    """What a decision must give; `kind` is decision, bkm or decisionService."""

    name: str
    kind: str
    value: Tree


@dataclass(frozen=True)
class Case:
    """One test case: what is told, and what must come out."""

    id: str
    kind: str
    inputs: dict[str, Tree]
    expected: Sequence[Expected]


@dataclass(frozen=True)
class Suite:
    """One test file and the model that it is about."""

    name: str
    model: Path
    cases: Sequence[Case]


def suite_files(folder: Path) -> Sequence[Path]:
    """Return the test files below a folder, in the order of their paths."""
    return sorted(folder.rglob("*-test-*.xml"))


def read_suite(path: Path, *, name: str) -> Suite:
    """Return the suite of a test file. Raises InvalidInput for a file that cannot be read."""
    root = parse(path.read_bytes(), where=name)
    if root.tag != f"{NAMESPACE}testCases":
        raise InvalidInput.of(name, f"its root is {root.tag}: expected testCases of the TCK")
    try:
        cases = tuple(_cases(root))
    except UnreadableError as error:
        raise InvalidInput.of(name, str(error)) from None
    model = root.findtext(f"{NAMESPACE}modelName", "").strip()
    return Suite(name, path.parent / model if model else _only_model(path, name), cases)


def _only_model(path: Path, name: str) -> Path:
    models = sorted(path.parent.glob("*.dmn"))
    if len(models) != 1:
        raise InvalidInput.of(name, f"it names no model, and its folder has {len(models)}")
    return models[0]


def _cases(root: Element) -> Iterator[Case]:
    for element in root.findall(f"{NAMESPACE}testCase"):
        yield Case(
            id=element.get("id", ""),
            kind=element.get("type", "decision"),
            inputs={node.get("name", ""): read_tree(node) for node in element.findall(f"{NAMESPACE}inputNode")},
            expected=tuple(_expected(node) for node in element.findall(f"{NAMESPACE}resultNode")),
        )


def _expected(node: Element) -> Expected:
    expected = node.find(f"{NAMESPACE}expected")
    value = None if expected is None else read_tree(expected)
    return Expected(node.get("name", ""), node.get("type", "decision"), value)
