"""Every error reason that the code names is in the contract."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from visavis.common.v1.error_reason_pb2 import ErrorReason

ROOT = Path(__file__).parents[2]
REASON = re.compile(r"ERROR_REASON_[A-Z0-9_]+")


def reasons_named() -> Iterator[tuple[str, str]]:
    """Yield each reason that is a whole string literal in services/ or shared/, with its place."""
    for folder in ("services", "shared"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.is_relative_to(ROOT / "shared/gen"):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and REASON.fullmatch(node.value):
                    yield node.value, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_reason_named_in_the_code_is_in_the_contract() -> None:
    named = list(reasons_named())
    unknown = [f"{place}: {reason}" for reason, place in named if reason not in ErrorReason.keys()]  # noqa: SIM118 - an enum wrapper is no mapping
    assert unknown == []
    assert "ERROR_REASON_INVALID_ARGUMENT" in {reason for reason, _ in named}
