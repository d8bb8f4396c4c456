"""Messages survive the way to rows and back."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.messages import messages_to_table, row_to_message, table_to_messages
from shared.lake.refs import from_ref, to_ref
from tests.unit.lake.contract import OldRow, Row

DIGITS = 10**18 - 1
decimals = st.integers(-DIGITS, DIGITS)
int64s = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
days = st.dates().map(date.isoformat)
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999
instants = st.fixed_dictionaries(
    {"seconds": st.integers(FIRST_SECOND, LAST_SECOND), "nanos": st.integers(0, 999_999).map(lambda us: us * 1000)}
)
inners = st.fixed_dictionaries({"code": texts, "days": st.lists(days, max_size=3)}, optional={"rate": decimals})
REQUIRED = {
    "key": texts,
    "fee_fen": int64s,
    "share": decimals,
    "born": days,
    "ratio": st.floats(width=32, allow_nan=False),
    "count": st.integers(-(2**31), 2**31 - 1),
    "small": st.integers(0, 2**32 - 1),
    "raw": st.binary(max_size=5),
    "arm": st.integers(0, 2),
    "inners": st.lists(inners, max_size=3),
    "tags": st.lists(texts, max_size=3),
    "prices": st.lists(decimals, max_size=3),
    "arms": st.lists(st.integers(0, 2), max_size=3),
}
OPTIONAL = {
    "debt_fen": int64s,
    "growth": decimals,
    "joined": days,
    "month": st.sampled_from(["2026-11", "0001-01", "9999-12"]),
    "brand": texts,
    "score": st.floats(allow_nan=False),
    "total": st.integers(0, 2**64 - 1),
    "active": st.booleans(),
    "seen": instants,
    "inner": inners,
}
rows = st.fixed_dictionaries(REQUIRED, optional=OPTIONAL).map(lambda fields: Row(**fields))


@given(st.lists(rows, max_size=4))
@settings(max_examples=60, deadline=None)
def test_messages_come_back_from_parquet_as_they_were(messages: list[Message]) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(messages_to_table(messages, Row), sink)
    stored = pq.read_table(pa.BufferReader(sink.getvalue()))
    assert table_to_messages(stored, Row) == messages


def test_decimal_and_date_are_exact_at_rest() -> None:
    table = messages_to_table([Row(key="a", share=-12345, born="2024-02-29", prices=[199])], Row)
    row = table.to_pylist()[0]
    assert (row["share"], row["born"], row["prices"]) == (Decimal("-1.2345"), date(2024, 2, 29), [Decimal("1.99")])
    assert row["joined"] is None
    assert row["arm"] is None


def test_row_of_an_old_dataset_leaves_new_fields_absent() -> None:
    message = row_to_message({"key": "a", "fee_fen": 5}, Row)
    assert message == Row(key="a", fee_fen=5)
    assert not message.HasField("debt_fen")


def test_column_that_the_message_does_not_know_is_passed_over() -> None:
    assert row_to_message({"key": "a", "fee_fen": 5, "later": 1}, OldRow) == OldRow(key="a", fee_fen=5)


@pytest.mark.parametrize(
    ("column", "stored"),
    [("share", Decimal("1.23456")), ("arm", "UPWARDS"), ("fee_fen", "five"), ("born", 3), ("tags", 7)],
)
def test_stored_value_of_another_type_names_its_column(column: str, stored: object) -> None:
    with pytest.raises(DatasetUnreadable, match=rf"column lake\.test\.row\.Row\.{column}:") as caught:
        row_to_message({column: stored}, Row)
    assert caught.value.reason == "ERROR_REASON_DATASET_UNREADABLE"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"born": ""}, "born"),
        ({"born": "20240229"}, "born"),
        ({"born": "2023-02-29"}, "born"),
        ({"born": "2024-01-01", "month": "2024-13"}, "month"),
        ({"born": "2024-01-01", "share": 10**18}, "share"),
        ({"born": "2024-01-01", "seen": {"seconds": 1, "nanos": 1}}, "seen"),
        ({"born": "2024-01-01", "arm": 9}, "lake.test.row.Arm"),
    ],
)
def test_message_that_cannot_be_stored_exactly_is_refused_by_field(fields: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        messages_to_table([Row(**fields)], Row)
    assert [violation.field for violation in caught.value.violations] == [named]


def test_reference_survives_the_wire() -> None:
    dataset = Dataset("a/b", "lake.test.row.Row", 3, "ab12")
    assert from_ref(to_ref(dataset)) == dataset


def test_no_messages_still_have_the_schema() -> None:
    table = messages_to_table([], OldRow)
    assert (table.num_rows, table.schema.names) == (0, ["key", "fee_fen"])
