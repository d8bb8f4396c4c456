"""Expressions of a mapping file: a small part of SQL over one row's cells, read node by node.

Only what is listed here is understood: a statement, a subquery, a file, a setting or any other function is refused by not
being listed. What the engine runs is written anew from what was understood; the author's text never reaches it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST: Final = 2_000
_MARK: Final = "\x00"


class ExpressionFault(ValueError):  # noqa: N818 - a finding of the author, gathered with others
    """Says what is wrong with an expression, as the end of a line about it."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A sound expression; `headings` are those it names, in order; `template` is SQL of a text, with a mark for each cell."""

    text: str
    headings: tuple[str, ...]
    template: str

    def sql(self, cells: "dict[str, str]") -> str:
        """Return SQL of the text that is computed, `cells` being SQL of a cell's text by its heading."""
        sql = self.template
        for index, heading in enumerate(self.headings):
            sql = sql.replace(mark(index), cells[heading])
        return sql


def mark(index: int) -> str:
    """Return what stands for a cell in a template; no literal can hold it."""
    return f"{_MARK}{index}{_MARK}"


def parse_expression(text: str) -> Expression:
    """Read an expression. Raises ExpressionFault."""
    # Only mappings with expressions pay for the import.
    from services.profile.domain.mapping.expression_sql import SqlWriter

    writer = SqlWriter()
    try:
        template = writer.text_of(_parsed(text))
    except RecursionError:
        raise ExpressionFault("is nested too deeply") from None
    return Expression(" ".join(text.split()), tuple(writer.headings), template)


def _parsed(text: str) -> "exp.Expr":
    import sqlglot
    from sqlglot.errors import SqlglotError

    if len(text) > LONGEST or _MARK in text:
        raise ExpressionFault(f"expected at most {LONGEST} characters, none of them NUL")
    try:
        parsed = sqlglot.parse(text, read="duckdb")
    except SqlglotError as error:
        raise ExpressionFault(f"cannot be read: {str(error).splitlines()[0]}") from None
    if len(parsed) != 1 or parsed[0] is None:
        raise ExpressionFault("expected one expression")
    return parsed[0]
