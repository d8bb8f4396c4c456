"""A stage of an import done twice, as after a kill."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.profile.datasets.source_files import look_at, open_cells
from services.profile.domain.resources import ImportRequest, TakenTable
from services.profile.domain.source_tables import CUSTOMERS
from services.profile.worker.desk import Desk
from services.profile.worker.tables import TableTaking, Taking
from shared.clock import ManualClock
from shared.errors import Failure
from shared.lake.lake import Lake
from tests.factories.profile import Extracts, customer, heading

NOW = datetime(2026, 11, 9, 2, tzinfo=UTC)
BOTH = [customer("c1"), customer("c2", msisdn="1")]


def take(request: ImportRequest, lake: Path) -> TakenTable:
    tables = TableTaking(Desk(Lake(lake), ManualClock(NOW)), look_at, open_cells)
    return tables.take(Taking("run", request, CUSTOMERS, {}, None), lambda _done, _total: None)


def test_a_stage_done_again_gives_what_is_published_already(tmp_path: Path) -> None:
    request = Extracts(customers=BOTH).write(tmp_path)
    first = take(request, tmp_path / "lake")
    assert (first.row_count, first.accepted.row_count, first.rejected_rows) == (2, 1, 1)
    assert take(request, tmp_path / "lake") == first


def test_a_file_that_changed_while_the_worker_was_down_is_noticed(tmp_path: Path) -> None:
    take(Extracts(customers=BOTH).write(tmp_path), tmp_path / "lake")
    changed = Extracts(customers=[*BOTH, customer("c3", msisdn="13900000003")]).write(tmp_path)
    with pytest.raises(Failure, match=r"customers.csv has 2 rows to accept, but had 1") as caught:
        take(changed, tmp_path / "lake")
    assert caught.value.reason == "ERROR_REASON_SOURCE_UNREADABLE"


def test_a_damaged_parquet_file_is_told_by_its_name(tmp_path: Path) -> None:
    request = Extracts().write(tmp_path)
    rows = [customer(f"c{number}", msisdn=f"139{number:08}") for number in range(2_000)]
    named = [{heading(c.name): row.get(c.name) for c in CUSTOMERS.columns} for row in rows]
    file = tmp_path / "customers_20261101.parquet"
    pq.write_table(pa.Table.from_pylist(named), file, compression="zstd")
    whole = file.read_bytes()
    file.write_bytes(whole[:200] + bytes(byte ^ 0x5A for byte in whole[200:1_200]) + whole[1_200:])
    text = request.mapping.replace("customers.csv", file.name, 1)
    with pytest.raises(Failure, match=r"customers_20261101.parquet is damaged: ") as caught:
        take(replace(request, mapping=text), tmp_path / "lake")
    assert caught.value.reason == "ERROR_REASON_SOURCE_UNREADABLE"
