"""The parts in which the views of a large base are put in order."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.engine import customer_views
from services.profile.engine.customer_views import customer_spans
from shared.lake.engine import ColumnarEngine


@given(ids=st.sets(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=4), max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_customer_is_in_one_span_and_the_spans_stand_in_order(
    engine: ColumnarEngine, monkeypatch: pytest.MonkeyPatch, ids: set[str]
) -> None:
    monkeypatch.setattr(customer_views, "_SORTED_TOGETHER", 7)
    base = pa.table({"customer_id": pa.array(sorted(ids, reverse=True), pa.string())})
    engine.register_table("customer_base", base)
    parts = [
        engine.fetch(
            f"SELECT customer_id FROM customer_base WHERE {span.sql} ORDER BY customer_id", span.parameters or None
        )["customer_id"].to_pylist()
        for span in customer_spans(engine)
    ]
    assert [customer for part in parts for customer in part] == sorted(ids, key=str.encode)
    assert len(parts) == max(1, -(-len(ids) // 7))
    assert max(map(len, parts)) <= 8
