"""Folds taken tables into middle tables, and these into one row per customer and per enterprise, as of any month."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import pyarrow as pa

from services.profile.domain.months import HISTORY_MONTHS, LABEL_MONTHS, WINDOW_MONTHS, Month
from services.profile.domain.product_needs import HANDSET_FEATURES, ProductNeeds
from services.profile.engine.parameters import Relation, used_by
from services.profile.engine.row_source import literal
from shared.lake.engine import ColumnarEngine
from shared.lake.side_by_side import as_needed

_FOLDED_AT_ONCE: Final = 2
_SQL = Path(__file__).parent / "sql"
EVERYBODY: Final = 2**32
"""The share of customers that a lot is drawn from."""

_SORTED_TOGETHER: Final = 125_000
"""Views of so many customers are put in order at a time: the rows are wide, and a million at once took a gigabyte more."""

_PRODUCTS_PICKED: Final = 16
"""Up to so many products are picked out one by one, each at a price for every customer; more are gathered and sorted."""

_SIDE_BY_SIDE: Final = "side_by_side"
_MADE_OF: Final[Mapping[str, Collection[str]]] = {
    "view_months": (),
    "customer_base": (),
    "product_opinions": (),
    "product_states": ("view_months", "customer_base", "product_opinions"),
    "use_preferences": ("view_months",),
    _SIDE_BY_SIDE: ("product_states",),
    "product_summary": ("product_states", "use_preferences", _SIDE_BY_SIDE),
    "voice_summary": ("view_months",),
    "billing_summary": ("view_months",),
    "circle_summary": ("view_months",),
    "months_known": ("view_months",),
    "contact_summary": (),
    "care_summary": (),
    "memberships": (),
}
"""The middle tables, the longest way first, with those that each is made of, and the macro that `product_summary` uses."""


def fold_middle_tables(engine: ColumnarEngine, parameters: Mapping[str, object]) -> None:
    """Make the middle tables of the source tables, of `number_holders` (customer_id, held_since) and of `product_needs`
    (product, gprs, wap, mms, 3g, 4g, internet).

    Two at a time: one alone leaves a quarter of two cores idle.
    """
    engine.execute(statement("macros"))

    def fold(name: str) -> None:
        with engine.beside() as lane:
            sql = _side_by_side(lane) if name == _SIDE_BY_SIDE else statement(name)
            lane.execute(sql, used_by(sql, parameters))

    as_needed(_MADE_OF, fold, threads=_FOLDED_AT_ONCE)


def customer_spans(engine: ColumnarEngine) -> Sequence[Relation]:
    """Return conditions on customer_id that divide the customer base into parts to be sorted by themselves, in their order."""
    customers = engine.fetch("SELECT count(*) AS customers FROM customer_base").to_pylist()[0]["customers"]
    parts = -(-customers // _SORTED_TOGETHER)
    shares = [part / parts for part in range(1, parts)]
    if not shares:
        return [Relation("true")]
    found = engine.fetch("SELECT quantile_disc(customer_id, ?) AS bounds FROM customer_base", [shares])
    bounds: Sequence[str] = found.to_pylist()[0]["bounds"]
    first = Relation("customer_id < $beyond", {"beyond": bounds[0]})
    last = Relation("customer_id >= $first", {"first": bounds[-1]})
    inner = [
        Relation("customer_id >= $first AND customer_id < $beyond", {"first": low, "beyond": high})
        for low, high in pairwise(bounds)
    ]
    return [first, *inner, last]


def _side_by_side(engine: ColumnarEngine) -> str:
    """Return SQL for the macro that lists a customer's entries in order of their products, which each has at most once.

    Picking each known product out costs a third of a list aggregate and a sort; but the more there are, the more memory.
    """
    found = engine.fetch("SELECT DISTINCT product FROM product_states ORDER BY product")
    products: list[str] = [row["product"] for row in found.to_pylist()]
    listed = "list_sort(list(entry))"
    if 0 < len(products) <= _PRODUCTS_PICKED:
        picked = ", ".join(f"any_value(entry) FILTER (WHERE product = {literal(each)})" for each in products)
        listed = f"list_filter([{picked}], lambda one: one IS NOT NULL)"
    return f"CREATE OR REPLACE MACRO side_by_side(product, entry) AS {listed}"


def keep_drawn(engine: ColumnarEngine, tables: Sequence[str], drawn_share: int) -> None:
    """Replace views of tables by the rows of customers drawn, so that nothing is folded that no view needs."""
    engine.execute(statement("macros"))
    for table in tables:
        engine.execute(f"ALTER VIEW {table} RENAME TO whole_{table}")
        # A number and no parameter: views bind none.
        engine.execute(
            f"CREATE VIEW {table} AS SELECT * FROM whole_{table} WHERE is_drawn(customer_id, {int(drawn_share)})"
        )


def needs_table(needs: Sequence[ProductNeeds]) -> pa.Table:
    """Return the table `product_needs`, one row per product with a flag for each thing it may need."""
    columns: dict[str, pa.DataType] = {"product": pa.string()}
    columns |= dict.fromkeys((*HANDSET_FEATURES, "internet"), pa.bool_())
    rows = [
        {
            "product": each.product,
            **{feature: feature in each.handset for feature in HANDSET_FEATURES},
            "internet": each.internet,
        }
        for each in needs
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(columns))


@lru_cache(maxsize=32)
def statement(name: str) -> str:
    """Return the text of an SQL file."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def view_parameters(month: Month, *, extract_month: Month, drawn_share: int = EVERYBODY) -> dict[str, object]:
    """Return everything that the SQL files may bind for views as of `month`; `extract_month` is the newest month known, and
    `drawn_share` of EVERYBODY get a view, drawn by lot."""
    window_first = month.plus(1 - WINDOW_MONTHS)
    return {
        "month": str(month),
        "month_number": month.year * 12 + month.number - 1,
        "month_first_day": month.first_day,
        "day_after": month.plus(1).first_day,
        "drawn_share": drawn_share,
        "is_extract_month": month == extract_month,
        "history_months": HISTORY_MONTHS,
        "window_months": WINDOW_MONTHS,
        "window_first": str(window_first),
        "window_first_day": window_first.first_day,
        "quarter_first_day": month.plus(-2).first_day,
        "label_base_first": str(month.plus(-2)),
        "label_months": LABEL_MONTHS,
        "label_last": str(month.plus(LABEL_MONTHS)),
        "label_day_after": month.plus(LABEL_MONTHS + 1).first_day,
    }
