"""What a source table consists of: columns, each with the kind of its cells and their limits."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the cells of a column hold."""

    TEXT = "text"
    NUMBER = "number"
    MSISDN = "msisdn"
    DATE = "date"
    MONTH = "month"
    DECIMAL = "decimal"
    MONEY = "money"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column. An optional one may be absent from the mapping, and its cells may be empty.

    `domain` lists all texts allowed, empty where any is; `limits` are those of a number, inclusive; `scale` is how many
    digits a decimal has after the point, at most; only a `signed` decimal may be below zero.
    """

    name: str
    kind: Kind
    optional: bool = False
    domain: tuple[str, ...] = ()
    limits: tuple[int, int] = (0, 0)
    scale: int = 0
    signed: bool = False

    @property
    def stored_name(self) -> str:
        """The column's name in the lake, where money is whole fen."""
        return f"{self.name}_fen" if self.kind is Kind.MONEY else self.name


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table; `key` names the columns that tell its rows apart. An optional one may be absent from the mapping.

    Where it has a column `customer_id`, its rows belong to a customer of the customers table.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    optional: bool = True

    @property
    def stored_key(self) -> tuple[str, ...]:
        return tuple(self.column(name).stored_name for name in self.key)

    def column(self, name: str) -> SourceColumn:
        return next(column for column in self.columns if column.name == name)

    def has_column(self, name: str) -> bool:
        return any(column.name == name for column in self.columns)


def text(name: str, *domain: str, optional: bool = False) -> SourceColumn:
    """A text, one of `domain` where that is given."""
    return SourceColumn(name, Kind.TEXT, optional, domain=domain)


def number(name: str, least: int, most: int, *, optional: bool = True) -> SourceColumn:
    """A whole number within limits."""
    return SourceColumn(name, Kind.NUMBER, optional, limits=(least, most))


def decimal(name: str, scale: int = 2, *, optional: bool = True, signed: bool = False) -> SourceColumn:
    """A number with at most `scale` digits after the point, never below zero unless `signed`."""
    return SourceColumn(name, Kind.DECIMAL, optional, scale=scale, signed=signed)


def money(name: str, *, optional: bool = True) -> SourceColumn:
    """An amount, which may be negative."""
    return SourceColumn(name, Kind.MONEY, optional)


def flag(name: str, *, optional: bool = True) -> SourceColumn:
    """Yes or no."""
    return SourceColumn(name, Kind.FLAG, optional)


def day(name: str, *, optional: bool = True) -> SourceColumn:
    """A calendar day."""
    return SourceColumn(name, Kind.DATE, optional)


CUSTOMER_ID = text("customer_id")
MONTH = SourceColumn("month", Kind.MONTH)
PRODUCT = text("product")
