"""How a cell is refused: where in it, and what to write instead, in words of a planner."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class CellProblem:
    """One thing wrong with a cell: `position` counts its characters from 1, `expected` says what to write instead."""

    text: str
    position: int
    expected: str

    def __str__(self) -> str:
        quote = "'" if '"' in self.text else '"'
        return f"{quote}{self.text}{quote}: {self.expected} (at character {self.position})"


class CellError(ValueError):
    """The cell is not an S-FEEL unary test."""

    def __init__(self, problem: CellProblem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at the 0-based place `at` of a cell whose text the finder does not know."""

    at: int
    expected: str

    def in_cell(self, text: str) -> CellProblem:
        return CellProblem(text, self.at + 1, self.expected)


class FindingError(ValueError):
    """Carries a finding out to the parser, which knows the cell's text."""

    def __init__(self, at: int, expected: str) -> None:
        super().__init__(expected)
        self.finding = Finding(at, expected)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `: did you mean "…"?` for the nearest known word, or nothing where none is near."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.65)
    return f': did you mean "{folded[near[0]]}"?' if near else ""


def listed(words: Sequence[str], most: int = 12) -> str:
    """Return the words with commas, and of a long list only the beginning."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
