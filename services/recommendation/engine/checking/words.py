"""Writes tests as S-FEEL, for people and for the sheet: what a checker proposes can be pasted into a cell."""

from collections.abc import Sequence

from services.recommendation.engine.checking.findings import Conjunction, FieldTest
from services.recommendation.engine.feel.text import tests_text

_MOST_WAYS = 3


def where_text(tests: Conjunction) -> str:
    """Return "arpu < 30, brand \"GoTone\""; several tests of one input are joined by "and"."""
    if not tests:
        return "every customer"
    names = list(dict.fromkeys(test.input for test in tests))
    return ", ".join(f"{name} {_joined([test for test in tests if test.input == name])}" for name in names)


def region_text(where: Sequence[Sequence[Conjunction]]) -> str:
    """Return where something is: of inputs that name one another each of the first few ways."""
    return ", ".join(_either(alternatives) for alternatives in where) or where_text(())


def _either(alternatives: Sequence[Conjunction]) -> str:
    words = [where_text(tests) for tests in alternatives[:_MOST_WAYS]]
    more = len(alternatives) - len(words)
    return " or ".join([*words, f"in {more:,} other ways"] if more else words)


def _joined(tests: Sequence[FieldTest]) -> str:
    return " and ".join(tests_text(test.tests) for test in tests)
