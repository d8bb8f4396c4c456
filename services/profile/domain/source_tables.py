"""The operator's tables as we want them: every column's type and limits. Checks, SQL and schemas are generated from here."""

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
    digits a decimal has after the point, at most.
    """

    name: str
    kind: Kind
    optional: bool = False
    domain: tuple[str, ...] = ()
    limits: tuple[int, int] = (0, 0)
    scale: int = 0

    @property
    def stored_name(self) -> str:
        """The column's name in the lake, where money is whole fen."""
        return f"{self.name}_fen" if self.kind is Kind.MONEY else self.name


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table; `key` names the columns that tell its rows apart."""

    name: str
    key: tuple[str, ...]
    columns: tuple[SourceColumn, ...]

    @property
    def stored_key(self) -> tuple[str, ...]:
        return tuple(self.column(name).stored_name for name in self.key)

    def column(self, name: str) -> SourceColumn:
        return next(column for column in self.columns if column.name == name)


def _money(name: str, *, optional: bool = False) -> SourceColumn:
    return SourceColumn(name, Kind.MONEY, optional)


def _minutes(name: str) -> SourceColumn:
    return SourceColumn(name, Kind.DECIMAL, scale=2)


_CUSTOMER_ID = SourceColumn("customer_id", Kind.TEXT)
_MONTH = SourceColumn("month", Kind.MONTH)
_PRODUCT = SourceColumn("product", Kind.TEXT)

CUSTOMERS = SourceTable(
    "customers",
    key=("customer_id",),
    columns=(
        _CUSTOMER_ID,
        SourceColumn("msisdn", Kind.MSISDN),
        SourceColumn("owner_id", Kind.TEXT),
        SourceColumn("city", Kind.TEXT),
        SourceColumn("county", Kind.TEXT, optional=True),
        SourceColumn("micro_region", Kind.TEXT, optional=True),
        SourceColumn("brand", Kind.TEXT, domain=("GoTone", "M-Zone", "Easyown")),
        SourceColumn("activation_date", Kind.DATE),
        SourceColumn("status", Kind.TEXT, domain=("active", "suspended", "left")),
        SourceColumn("left_date", Kind.DATE, optional=True),
        SourceColumn("sex", Kind.TEXT, optional=True, domain=("male", "female")),
        SourceColumn("birth_year", Kind.NUMBER, optional=True, limits=(1900, 2099)),
        SourceColumn("credit_level", Kind.NUMBER, optional=True, limits=(1, 5)),
        SourceColumn("handset_gprs", Kind.FLAG, optional=True),
        SourceColumn("handset_wap", Kind.FLAG, optional=True),
        SourceColumn("handset_mms", Kind.FLAG, optional=True),
        SourceColumn("internet_access", Kind.FLAG, optional=True),
        SourceColumn("plan", Kind.TEXT, optional=True),
        SourceColumn("contract_class", Kind.NUMBER, limits=(0, 1)),
        SourceColumn("contract_policy", Kind.TEXT, optional=True),
        SourceColumn("contract_end_date", Kind.DATE, optional=True),
        _money("balance", optional=True),
        SourceColumn("red_list", Kind.FLAG),
        SourceColumn("marketing_consent", Kind.FLAG, optional=True),
    ),
)
TRAFFIC = SourceTable(
    "traffic",
    key=("customer_id", "month"),
    columns=(
        _CUSTOMER_ID,
        _MONTH,
        _minutes("minutes"),
        _minutes("outbound_minutes"),
        _minutes("long_distance_minutes"),
        _minutes("roaming_minutes"),
    ),
)
SUBSCRIPTIONS = SourceTable(
    "subscriptions",
    key=("customer_id", "product", "ordered_on"),
    columns=(
        _CUSTOMER_ID,
        _PRODUCT,
        SourceColumn("how_ordered", Kind.TEXT, domain=("self", "voice_plan", "trial")),
        SourceColumn("provisioned", Kind.FLAG),
        SourceColumn("ordered_on", Kind.DATE),
        SourceColumn("cancelled_on", Kind.DATE, optional=True),
        SourceColumn("cancel_reason", Kind.TEXT, optional=True),
    ),
)
BILLING = SourceTable(
    "billing",
    key=("customer_id", "month"),
    columns=(
        _CUSTOMER_ID,
        _MONTH,
        _money("revenue_total"),
        _money("revenue_voice"),
        _money("revenue_data"),
        _money("revenue_sms"),
        _money("discounts"),
        _money("handset_subsidy"),
        _money("settlement"),
        _money("commission"),
        _money("arrears"),
    ),
)
PRODUCT_USAGE = SourceTable(
    "product_usage",
    key=("customer_id", "month", "product"),
    columns=(
        _CUSTOMER_ID,
        _MONTH,
        _PRODUCT,
        SourceColumn("active_days", Kind.NUMBER, limits=(0, 31)),
        SourceColumn("volume", Kind.DECIMAL, scale=4),
    ),
)
SOURCE_TABLES = (CUSTOMERS, TRAFFIC, SUBSCRIPTIONS, BILLING, PRODUCT_USAGE)
"""In the order of taking in: customers first, since the rows of the others belong to one."""
