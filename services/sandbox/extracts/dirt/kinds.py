"""The kinds of faults, and which cells of which table each of them spoils."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from services.sandbox.extracts.form import Form, Split
from services.sandbox.extracts.sources import SOURCES
from shared.errors import InvalidInput


class Dirt(StrEnum):
    """Kinds of faults. A row has one at most.

    A fault in a row of the customers that makes it unusable takes the customer's rows of all other tables with it; the
    ledger names the planted one alone.
    """

    WRONG_TYPE = "wrong_type"
    """A word where a number, an amount or a day should be. Only in CSV: Parquet columns are typed."""
    OUT_OF_RANGE = "out_of_range"
    """A number that cannot be."""
    UNKNOWN_WORD = "unknown_word"
    """A value that no mapping knows."""
    UNKNOWN_CUSTOMER = "unknown_customer"
    """A row of nobody among the customers."""
    DUPLICATE = "duplicate"
    """A row twice; the second one is the fault."""
    SWAPPED_COLUMNS = "swapped_columns"
    """Two cells of a row have changed places."""
    BROKEN_BYTES = "broken_bytes"
    """A text with bytes that are none in the file's encoding. Only in CSV."""
    EXTRA_COLUMN = "extra_column"
    """A delimiter inside a text, so that the row has a cell too many. Only in CSV."""
    MISSING_MONTH = "missing_month"
    """A customer's traffic or bill of one month is not there; such a fault has no line."""
    LATE_FILE = "late_file"
    """A month's file is not there yet, but in a folder of its own beside the extracts; only where tables are split."""


Shares = Mapping[Dirt, float]
"""Kind -> share of the rows of each table that it is in; of late files, share of the months' files."""

_TEXT_ONLY = (Dirt.WRONG_TYPE, Dirt.BROKEN_BYTES, Dirt.EXTRA_COLUMN)
_MOST = 0.5

Cells: TypeAlias = tuple[str, ...]
"""Columns that one fault of a row is in; none where the whole row is the fault."""

_WHOLE_ROW: tuple[Cells, ...] = ((),)
IMPOSSIBLE: Mapping[str, tuple[str, int | Decimal]] = {
    "customers": ("birth_year", 1066),
    "traffic": ("minutes", Decimal("-5.0")),
    "circle": ("breadth", -1),
    "product_usage": ("active_days", 45),
    "vip_customers": ("vip_level", 12),
    "enterprises": ("credit_level", 77),
}
STRANGE_WORDS = {
    "customers": ("status", "已过户"),
    "subscriptions": ("how_ordered", "代理代办"),
    "product_usage": ("hours", "凌晨"),
    "enterprise_members": ("role", "联系人"),
    "complaints": ("kind", "建议"),
    "marketing_feedback": ("answer", "犹豫"),
}
_TEXTS: Mapping[str, tuple[Cells, ...]] = {
    "customers": (("plan",),),
    "traffic": (("top_counterpart",),),
    "circle": (("customer_id",),),
    "billing": (("customer_id",),),
    "product_usage": (("product",),),
    "subscriptions": (("product",),),
    "enterprises": (("industry",),),
    "complaints": (("topic",),),
    "marketing_feedback": (("policy",),),
    "surveys": (("question",),),
}
_CELLS: Mapping[Dirt, Mapping[str, tuple[Cells, ...]]] = {
    Dirt.WRONG_TYPE: {
        "customers": (("activation_date",), ("balance",), ("contract_class",)),
        "traffic": (("minutes",),),
        "circle": (("breadth",),),
        "subscriptions": (("ordered_on",),),
        "billing": (("revenue_total",), ("arrears",)),
        "product_usage": (("active_days",),),
        "vip_customers": (("vip_level",),),
        "enterprises": (("employees",),),
        "complaints": (("reported_on",),),
        "marketing_feedback": (("contacted_on",),),
        "surveys": (("answered_on",),),
    },
    Dirt.OUT_OF_RANGE: {table: ((column,),) for table, (column, _) in IMPOSSIBLE.items()},
    Dirt.UNKNOWN_WORD: {table: ((column,),) for table, (column, _) in STRANGE_WORDS.items()},
    Dirt.SWAPPED_COLUMNS: {
        "customers": (("birth_year", "credit_level"),),
        "traffic": (("customer_id", "month"),),
        "circle": (("customer_id", "month"),),
        "billing": (("customer_id", "month"),),
        "product_usage": (("month", "product"),),
        "subscriptions": (("customer_id", "product"),),
        "complaints": (("customer_id", "kind"),),
        "marketing_feedback": (("customer_id", "answer"),),
    },
    Dirt.BROKEN_BYTES: _TEXTS,
    Dirt.EXTRA_COLUMN: _TEXTS,
    Dirt.DUPLICATE: {source.table: _WHOLE_ROW for source in SOURCES},
    Dirt.UNKNOWN_CUSTOMER: {
        source.table: (("customer_id",),)
        for source in SOURCES
        if "customer_id" in source.columns and source.table != "customers"
    },
    Dirt.MISSING_MONTH: {"traffic": _WHOLE_ROW, "billing": _WHOLE_ROW},
    Dirt.LATE_FILE: {},
}


def cells_spoilt(kind: Dirt, table: str) -> tuple[Cells, ...]:
    """Return the cells that a kind spoils in the rows of a table, in turn; none if it cannot be there."""
    return _CELLS[kind].get(table, ())


def shares_of(requests: Iterable[str], form: Form) -> dict[Dirt, float]:
    """Read requests like "wrong_type=0.01". Raises InvalidInput for what there is not, or not in this form."""
    shares = dict(_share_of(request) for request in requests)
    for kind in shares:
        if form.is_parquet and kind in _TEXT_ONLY:
            raise InvalidInput.of("dirt", f"{kind} cannot be in Parquet, whose columns are typed; choose --format csv")
    if Dirt.LATE_FILE in shares and form.split is not Split.MONTHLY:
        raise InvalidInput.of("dirt", f"{Dirt.LATE_FILE} needs a file a month; choose --files-per-table monthly")
    return {kind: shares[kind] for kind in Dirt if kind in shares}


def _share_of(request: str) -> tuple[Dirt, float]:
    kind, _, share = request.partition("=")
    if kind not in list(Dirt):
        raise InvalidInput.of("dirt", f"there is no kind '{kind}'; known are {', '.join(Dirt)}")
    try:
        number = float(share)
    except ValueError:
        number = -1.0
    if not 0 < number <= _MOST:
        raise InvalidInput.of("dirt", f"expected {kind}=SHARE above 0 and up to {_MOST}, found '{request}'")
    return Dirt(kind), number
