"""The same province in every form: encodings, compression, files a month, Parquet, and blocks made by several processes."""

import csv
import gzip
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from services.sandbox.extracts.folder import Destination, Request, write_extracts
from services.sandbox.extracts.form import Compression, Encoding, FileFormat, Form, Split
from services.sandbox.extracts.sources import SOURCES
from services.sandbox.world.block import blocks_of
from services.sandbox.world.secret import read_secret
from shared.errors import InvalidInput
from tests.factories.sandbox import CYCLE

CUSTOMERS, BLOCK = 300, 200
Table = list[dict[str, str]]
PLAIN = Form(encoding=Encoding.UTF_8)
FORMS = [
    Form(),
    Form(compression=Compression.GZ, split=Split.MONTHLY),
    Form(FileFormat.PARQUET, split=Split.MONTHLY),
]


def write(folder: Path, form: Form, *, processes: int = 1, customers: int = CUSTOMERS) -> Destination:
    destination = Destination.of(folder / "extracts")
    request = Request(blocks_of(customers, seed=7, cycle=CYCLE, lines=BLOCK), form)
    write_extracts(request, destination, processes=processes)
    return destination


def read(destination: Destination, table: str) -> Table:
    """Read all of a table by the mapping, in our words, as an operator's texts would say it."""
    mapping = tomllib.loads((destination.extracts / "mapping.toml").read_text("utf-8"))["tables"][table]
    values = mapping.get("values", {})
    ours = {heading: name for name, heading in mapping["columns"].items()}
    rows = [
        {ours[heading]: cell for heading, cell in row.items()}
        for path in sorted(destination.extracts.glob(mapping["file"]))
        for row in _rows(path, mapping.get("encoding", ""))
    ]
    return [{name: values.get(name, {}).get(cell, cell) for name, cell in row.items()} for row in rows]


def _rows(path: Path, encoding: str) -> Iterator[dict[str, str]]:
    if path.suffix == ".parquet":
        for row in parquet.read_table(path).to_pylist():
            yield {heading: _as_text(cell) for heading, cell in row.items()}
        return
    plain = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from csv.DictReader(plain.decode(encoding).splitlines())


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    return "" if cell is None else str(cell)


def by_key(rows: Table) -> Table:
    return sorted(
        rows, key=lambda row: [row.get(name, "") for name in ("month", "customer_id", "product", *sorted(row))]
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Destination:
    return write(tmp_path_factory.mktemp("plain"), PLAIN)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: Form, plain: Destination, tmp_path: Path) -> None:
    other = write(tmp_path, form)
    for source in SOURCES:
        assert by_key(read(other, source.table)) == by_key(read(plain, source.table)), source.table


def test_any_number_of_processes_makes_the_same_bytes(plain: Destination, tmp_path: Path) -> None:
    again = write(tmp_path, PLAIN, processes=2)
    for path in plain.extracts.iterdir():
        assert (again.extracts / path.name).read_bytes() == path.read_bytes(), path.name
    assert again.world.read_bytes() == plain.world.read_bytes()


def test_a_block_does_not_depend_on_how_many_come_after_it(plain: Destination, tmp_path: Path) -> None:
    first = write(tmp_path, PLAIN, customers=BLOCK)
    whole = (plain.extracts / "customers.csv").read_bytes()
    assert whole.startswith((first.extracts / "customers.csv").read_bytes())


def test_ids_numbers_owners_and_enterprises_of_different_blocks_are_different(plain: Destination) -> None:
    customers = read(plain, "customers")
    here = [row for row in customers if not row["left_date"]]
    assert len({row["customer_id"] for row in customers}) == CUSTOMERS
    assert len({row["msisdn"] for row in here}) == len(here)
    block_of_owner = {(row["owner_id"], int(row["customer_id"][3:]) > BLOCK) for row in customers}
    assert len(block_of_owner) == len({owner for owner, _ in block_of_owner})
    for table, key in (
        ("enterprises", "enterprise_id"),
        ("complaints", "case_id"),
        ("marketing_feedback", "contact_id"),
    ):
        rows = read(plain, table)
        assert len({row[key] for row in rows}) == len(rows)
    secret = read_secret(plain.world)
    assert secret.customer_id.tolist() == [row["customer_id"] for row in customers]
    assert secret.msisdn.tolist() == [row["msisdn"] for row in customers]


def test_parquet_is_typed_and_a_file_a_month_holds_that_month_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, Form(FileFormat.PARQUET, split=Split.MONTHLY)).extracts
    schema = parquet.read_schema(folder / "customers-00.parquet")
    types = {name: schema.field(name).type for name in ("入网日期", "出生年份", "终端价格", "红名单")}
    assert list(types.values()) == [pa.date32(), pa.int64(), pa.decimal128(12, 2), pa.bool_()]
    assert set(parquet.read_table(folder / "billing_202609-01.parquet")["账期"].to_pylist()) == {"202609"}
    assert parquet.read_table(folder / "billing_202609-01.parquet")["总收入"][0].as_py() >= Decimal(0)


def test_parquet_is_not_compressed_twice() -> None:
    with pytest.raises(InvalidInput, match="compressed by itself"):
        Form(FileFormat.PARQUET, compression=Compression.GZ)
