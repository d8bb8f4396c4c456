"""Pages hold every customer once, in order, and none is much larger than asked for."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.datasets.desk_pages import paged

ROWS = st.dictionaries(st.text(max_size=12), st.text(max_size=40), min_size=1).map(lambda found: sorted(found.items()))


@given(rows=ROWS, page_bytes=st.integers(1, 200))
def test_pages_hold_every_row_once_in_order(rows: list[tuple[str, str]], page_bytes: int) -> None:
    batch = pa.RecordBatch.from_pylist([{"key": key, "entry": entry} for key, entry in rows])
    pages = paged(batch, page_bytes=page_bytes).to_pylist()
    assert [(key, entry) for page in pages for key, entry in zip(page["keys"], page["entries"], strict=True)] == rows
    assert [page["first_key"] for page in pages] == [page["keys"][0] for page in pages]


@given(rows=ROWS, page_bytes=st.integers(1, 200))
def test_only_the_last_row_of_a_page_may_pass_its_size(rows: list[tuple[str, str]], page_bytes: int) -> None:
    batch = pa.RecordBatch.from_pylist([{"key": key, "entry": entry} for key, entry in rows])
    for page in paged(batch, page_bytes=page_bytes).to_pylist():
        before_last = [*page["keys"][:-1], *page["entries"][:-1]]
        assert sum(len(text.encode()) + 4 for text in before_last) < page_bytes
