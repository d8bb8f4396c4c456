"""The extracts: the same bytes for the same seed, readable by their own mapping, and silent about the tastes."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyarrow import csv

from services.sandbox.extracts.folder import Destination, Request, write_extracts
from services.sandbox.extracts.form import Encoding, Form
from services.sandbox.extracts.mapping import MAPPING_FILE
from services.sandbox.extracts.sources import SOURCES
from services.sandbox.world.block import blocks_of
from services.sandbox.world.people import EASYOWN
from services.sandbox.world.secret import read_secret, taste_columns
from shared.errors import InvalidInput
from tests.factories.sandbox import CYCLE, province

CUSTOMERS = 1500
UTF_8 = Form(encoding=Encoding.UTF_8)
Numbers = NDArray[np.float64]


@pytest.fixture(scope="module")
def destination(tmp_path_factory: pytest.TempPathFactory) -> Destination:
    folder = tmp_path_factory.mktemp("sandbox")
    return write(folder / "extracts", folder / "hidden" / "world.parquet")


def write(folder: Path, world: Path | None = None, seed: int = 7) -> Destination:
    destination = Destination.of(folder, world)
    write_extracts(Request(blocks_of(CUSTOMERS, seed=seed, cycle=CYCLE), UTF_8), destination)
    return destination


def read(destination: Destination, table: str) -> pa.Table:
    """Read a table as the product would: by mapping.toml, under our names, all values as text."""
    mapping = tomllib.loads((destination.extracts / MAPPING_FILE).read_text("utf-8"))["tables"][table]
    heading = mapping["columns"]
    strings = csv.ConvertOptions(column_types=dict.fromkeys(heading.values(), pa.string()))
    read_ = csv.read_csv(destination.extracts / mapping["file"], convert_options=strings)
    return read_.select(list(heading.values())).rename_columns(list(heading))


def texts(table: pa.Table, column: str) -> list[str]:
    return [value.as_py() or "" for value in table[column]]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_seed_writes_the_same_bytes_and_another_seed_others(destination: Destination, tmp_path: Path) -> None:
    again = write(tmp_path / "again")
    other = write(tmp_path / "other", tmp_path / "other.parquet", seed=8)
    assert files(again.extracts) == files(destination.extracts)
    assert again.world.read_bytes() == destination.world.read_bytes()
    assert files(other.extracts)["billing.csv"] != files(destination.extracts)["billing.csv"]


def test_the_folder_holds_the_twelve_tables_and_the_mapping_and_nothing_else(destination: Destination) -> None:
    assert set(files(destination.extracts)) == {*(f"{source.table}.csv" for source in SOURCES), "mapping.toml"}
    assert len(SOURCES) == 12


def test_every_heading_and_every_word_of_the_files_is_in_the_mapping(destination: Destination) -> None:
    mapping = tomllib.loads((destination.extracts / "mapping.toml").read_text("utf-8"))["tables"]
    for name, table in mapping.items():
        first_line = (destination.extracts / table["file"]).read_text("utf-8").partition("\n")[0]
        assert first_line.split(",") == list(table["columns"].values())
        for column, words in table.get("values", {}).items():
            used = set(texts(read(destination, name), column)) - {""}
            assert used <= set(words)


@pytest.mark.parametrize(
    ("table", "column", "pattern"),
    [
        ("customers", "msisdn", r"1[3-9]\d{9}"),
        ("customers", "activation_date", r"20\d\d-\d\d-\d\d"),
        ("customers", "left_date", r"(2026-\d\d-\d\d)?"),
        ("customers", "birth_year", r"((19|20)\d\d)?"),
        ("customers", "brand", r"全球通|动感地带|神州行"),
        ("customers", "status", r"正常|停机|离网"),
        ("customers", "marketing_consent", r"(是|否)?"),
        ("customers", "credit_level", r"[1-5]"),
        ("customers", "contract_class", r"[01]"),
        ("customers", "balance", r"\d+\.\d\d"),
        ("billing", "month", r"2026(0[2-9]|10)"),
        ("billing", "revenue_total", r"\d+\.\d\d"),
        ("traffic", "minutes", r"\d+\.\d"),
        ("product_usage", "active_days", r"[1-9]|[12]\d|30"),
        ("subscriptions", "ordered_on", r"20\d\d-\d\d-\d\d"),
    ],
)
def test_values_look_like_the_operators(destination: Destination, table: str, column: str, pattern: str) -> None:
    assert [value for value in texts(read(destination, table), column) if not re.fullmatch(pattern, value)] == []


def test_ids_and_numbers_are_unique_and_every_row_belongs_to_a_customer(destination: Destination) -> None:
    customers = read(destination, "customers")
    ids = set(texts(customers, "customer_id"))
    assert len(ids) == CUSTOMERS
    here = [left == "" for left in texts(customers, "left_date")]
    held = [number for number, holds in zip(texts(customers, "msisdn"), here, strict=True) if holds]
    assert len(set(held)) == len(held)
    for table in (source.table for source in SOURCES if "customer_id" in source.columns):
        assert set(texts(read(destination, table), "customer_id")) <= ids


def test_keys_are_unique(destination: Destination) -> None:
    keys = {
        "traffic": ("customer_id", "month"),
        "circle": ("customer_id", "month"),
        "billing": ("customer_id", "month"),
        "product_usage": ("customer_id", "month", "product"),
        "subscriptions": ("customer_id", "product"),
        "vip_customers": ("customer_id",),
        "enterprises": ("enterprise_id",),
        "enterprise_members": ("customer_id",),
        "complaints": ("case_id",),
        "marketing_feedback": ("contact_id",),
        "surveys": ("customer_id", "question", "answered_on"),
    }
    for table, columns in keys.items():
        rows = list(zip(*(texts(read(destination, table), column) for column in columns), strict=True))
        assert len(rows) == len(set(rows))


def test_who_left_has_a_date_and_nobody_else_has(destination: Destination) -> None:
    customers = read(destination, "customers")
    for status, left in zip(texts(customers, "status"), texts(customers, "left_date"), strict=True):
        assert (status == "离网") == bool(left)


def test_the_parts_of_a_bill_add_up_in_the_file(destination: Destination) -> None:
    billing = read(destination, "billing")

    def fen(column: str) -> list[int]:
        return [int(value.replace(".", "")) for value in texts(billing, column)]

    parts = (fen(f"revenue_{part}") for part in ("fixed", "voice", "data", "sms"))
    assert [sum(part) for part in zip(*parts, strict=True)] == fen("revenue_total")


def test_the_facts_written_are_those_of_the_province(destination: Destination) -> None:
    base, customers = province(CUSTOMERS), read(destination, "customers")
    assert texts(customers, "brand").count("神州行") == (base.people.brand == EASYOWN).sum()
    assert texts(customers, "red_list").count("是") == base.people.owners.red_list[base.people.owner].sum()
    assert texts(customers, "marketing_consent").count("") == (base.people.consent == -1).sum()


def test_no_column_of_the_extracts_is_a_taste_or_close_to_one(destination: Destination) -> None:
    tastes = taste_columns(province(CUSTOMERS).tastes)
    checked = 0
    for name, numbers in _numbers_per_customer(destination):
        known = ~np.isnan(numbers)
        if numbers[known].std() == 0:
            continue
        together = np.corrcoef(np.vstack([numbers[known], *(values[known] for values in tastes.values())]))[0, 1:]
        for taste, correlation in zip(tastes, together, strict=True):
            assert abs(correlation) < 0.7, f"{name} gives {taste} away"
            checked += 1
    assert checked > 70 * len(tastes)


def test_tastes_are_read_back_as_they_were_written(destination: Destination) -> None:
    base, secret = province(CUSTOMERS), read_secret(destination.world)
    assert secret.seed == base.block.seed
    assert secret.customer_id.tolist() == texts(read(destination, "customers"), "customer_id")
    assert secret.msisdn.tolist() == texts(read(destination, "customers"), "msisdn")
    written, again = taste_columns(base.tastes), taste_columns(secret.tastes)
    assert all(np.array_equal(written[name], again[name]) for name in written)


def test_a_file_that_is_no_world_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "world.parquet").write_text("no")
    with pytest.raises(InvalidInput, match=r"world\.parquet"):
        read_secret(tmp_path / "world.parquet")
    with pytest.raises(InvalidInput, match=r"absent\.parquet"):
        read_secret(tmp_path / "absent.parquet")


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    with pytest.raises(InvalidInput, match="not empty"):
        Destination.of(tmp_path, tmp_path.parent / "world.parquet")
    assert files(tmp_path) == {"thesis.txt": b"three years of work"}


def test_extracts_of_ours_are_replaced_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "extracts")
    (tmp_path / "extracts" / "stale.csv").write_text("from an older version")
    destination = write(tmp_path / "extracts", seed=8)
    assert "stale.csv" not in files(destination.extracts)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extracts", "tastes.parquet"]


def test_the_tastes_never_go_into_the_extracts_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must never see it"):
        Destination.of(tmp_path / "extracts", tmp_path / "extracts" / "sub" / "world.parquet")


def _numbers_per_customer(destination: Destination) -> Iterator[tuple[str, Numbers]]:
    """Yield every column of the customers, and of the other tables what it adds up to, as a number per customer."""
    customers = read(destination, "customers")
    for name in customers.column_names:
        yield name, _as_numbers(texts(customers, name))
    place = {customer: number for number, customer in enumerate(texts(customers, "customer_id"))}
    for table in ("traffic", "circle", "billing", "product_usage"):
        rows = read(destination, table)
        places = [place[customer] for customer in texts(rows, "customer_id")]
        for name in rows.column_names:
            sums = np.bincount(places, _as_numbers(texts(rows, name)), minlength=CUSTOMERS)
            yield f"{table}.{name}", sums.astype(np.float64)


def _as_numbers(values: list[str]) -> Numbers:
    """Return numbers as they are, NaN for empty ones; and anything else as the place of its value among all values."""
    try:
        return np.array([float(value or "nan") for value in values])
    except ValueError:
        return np.unique(np.array(values), return_inverse=True)[1].astype(np.float64)
