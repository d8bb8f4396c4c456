"""What a mapping file says of one table, once it has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from services.profile.domain.mapping.expressions import Expression
from services.profile.domain.source_tables import SourceTable
from shared.errors import Violation

MAPPING_INVALID: Final = "ERROR_REASON_MAPPING_INVALID"
MoneyUnit: TypeAlias = Literal["yuan", "fen"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What stops an import: shares from 0 to 1, of the table's rows and of those that it had before."""

    most_rejected: float = 0.10
    least_of_last: float = 0.50


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How one table is written. `columns` is our name -> heading; `values` is our column -> word in the file -> our value;
    `defaults` is our column -> constant as we write it; `units` holds only columns whose unit was said."""

    table: SourceTable
    files: tuple[str, ...]
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    member: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    month_formats: tuple[str, ...] = ("%Y%m",)
    money_unit: MoneyUnit = "yuan"
    nothing: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    expressions: Mapping[str, Expression] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def heading(self, column: str) -> str:
        """Return the column's heading in the file, the text of its expression, or nothing where it is not mapped."""
        if column in self.expressions:
            return self.expressions[column].text
        return self.columns.get(column, "")

    def headings(self) -> tuple[str, ...]:
        """Return all headings that are needed, each once."""
        computed = [heading for expression in self.expressions.values() for heading in expression.headings]
        return tuple(dict.fromkeys([*self.columns.values(), *computed]))

    def unit(self, column: str) -> str:
        """Return the unit said for this column, nothing where none was."""
        return self.units.get(column, "")


@dataclass(frozen=True, slots=True)
class ReadMapping:
    """What could be made out, table by table, and everything wrong with the rest."""

    tables: tuple[TableMapping, ...]
    violations: tuple[Violation, ...]
