"""Folds taken tables into middle tables, and these into one row per customer, as of any month."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from services.profile.domain.months import LABEL_MONTHS, WINDOW_MONTHS, Month
from services.profile.engine.parameters import used_by
from shared.lake.engine import ColumnarEngine

_SQL = Path(__file__).parent / "sql"
_MIDDLE_TABLES = ("customer_base", "billing_summary", "traffic_summary", "product_states")


def fold_middle_tables(engine: ColumnarEngine, parameters: Mapping[str, object]) -> None:
    """Make the middle tables of tables customers, traffic, subscriptions, billing and product_usage."""
    engine.execute(statement("macros"))
    for name in _MIDDLE_TABLES:
        sql = statement(name)
        engine.execute(sql, used_by(sql, parameters))


@lru_cache(maxsize=16)
def statement(name: str) -> str:
    """Return the text of an SQL file."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def view_parameters(month: Month, *, extract_month: Month) -> dict[str, object]:
    """Return everything that the SQL files may bind for views as of `month`; `extract_month` is the newest month known."""
    before = month.plus(-3), month.plus(-1)
    return {
        "month": str(month),
        "month_number": month.year * 12 + month.number - 1,
        "day_after": month.plus(1).first_day,
        "is_extract_month": month == extract_month,
        "window_first": str(month.plus(1 - WINDOW_MONTHS)),
        "before_first": str(before[0]),
        "before_last": str(before[1]),
        "label_base_first": str(month.plus(-2)),
        "label_months": LABEL_MONTHS,
        "label_last": str(month.plus(LABEL_MONTHS)),
        "label_day_after": month.plus(LABEL_MONTHS + 1).first_day,
    }
