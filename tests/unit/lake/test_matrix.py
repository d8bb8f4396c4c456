"""What a matrix may name: every exact column, in SQL and in Python alike."""

from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.matrix import matrix_columns
from tests.unit.lake.contract import Row, descriptor

BY_NAME = {column.name: column for column in matrix_columns(descriptor(Row))}


def test_only_exact_scalars_are_offered() -> None:
    assert {name: column.kind for name, column in BY_NAME.items()} == {
        "key": "string",
        "fee": "number",
        "debt": "number",
        "share": "number",
        "growth": "number",
        "joined": "date",
        "born": "date",
        "month": "string",
        "brand": "string",
        "count": "number",
        "total": "number",
        "small": "number",
        "active": "boolean",
        "arm": "string",
    }


def test_money_is_offered_in_yuan_under_the_name_without_fen() -> None:
    fee = BY_NAME["fee"]
    assert (fee.source, fee.unit, fee.null_meaning) == ("fee_fen", "yuan", "not known")
    assert BY_NAME["brand"].domain == ("Red", "Blue")


AMOUNTS = [None, 0, 1, -1, 99, 100, -12345, 10**18 - 1, -(10**18) + 1, *range(1_000, 2_000)]


def test_sql_and_python_give_the_same_exact_yuan(tmp_path: Path) -> None:
    stored = pa.table({"n": range(len(AMOUNTS)), "fee_fen": pa.array(AMOUNTS, pa.int64())})
    with open_engine(Lake(tmp_path)) as engine:
        engine.register_table("r", stored)
        by_sql = engine.fetch(f"SELECT {BY_NAME['fee'].sql} AS fee FROM r ORDER BY n")
    assert by_sql.schema.field("fee").type == pa.decimal128(18, 2)
    by_python = [BY_NAME["fee"].value({"fee_fen": amount}) for amount in AMOUNTS]
    assert by_sql["fee"].to_pylist() == by_python
    assert all(value is None or isinstance(value, Decimal) for value in by_python)


def test_value_of_any_other_column_is_the_stored_one() -> None:
    assert BY_NAME["count"].value({"count": 3}) == 3
    assert BY_NAME["brand"].value({"brand": None}) is None
