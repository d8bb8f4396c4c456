"""Dirt on request: every planted fault stands where the ledger says, and nothing else has changed."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from services.sandbox.extracts.dirt.kinds import Dirt, Shares, shares_of
from services.sandbox.extracts.dirt.ledger import Fault, read_ledger
from services.sandbox.extracts.folder import Destination, Request, Written, write_extracts
from services.sandbox.extracts.form import FileFormat, Form, Split
from services.sandbox.extracts.sources import SOURCES
from services.sandbox.world.block import blocks_of
from shared.errors import InvalidInput
from tests.factories.sandbox import CYCLE

CUSTOMERS, BLOCK = 500, 200
SHARE = 0.03
CSV = Form()
MONTHLY = Form(split=Split.MONTHLY)
PARQUET = Form(FileFormat.PARQUET)
HEADINGS = {source.table: source.columns for source in SOURCES}
ROW_KINDS = [kind for kind in Dirt if kind is not Dirt.LATE_FILE]

Cells = list[list[bytes]]


def write(folder: Path, form: Form, shares: Shares) -> tuple[Destination, Written]:
    destination = Destination.of(folder / "extracts")
    blocks = blocks_of(CUSTOMERS, seed=7, cycle=CYCLE, lines=BLOCK)
    return destination, write_extracts(Request(blocks, form, shares), destination, processes=1)


def cells_of(folder: Path, file: str) -> Cells:
    """Return a CSV file's cells; line 1, the heading, is the first."""
    return [line.split(b",") for line in (folder / file).read_bytes().split(b"\n")[:-1]]


def column_of(fault: Fault, column: str) -> int:
    return list(HEADINGS[fault.table]).index(column)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination, _ = write(tmp_path_factory.mktemp("clean"), MONTHLY, {})
    assert not destination.ledger.exists()
    return destination.extracts


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Destination, Written]:
    return write(tmp_path_factory.mktemp("dirty"), MONTHLY, dict.fromkeys(ROW_KINDS, SHARE))


@pytest.fixture(scope="module")
def faults(dirty: tuple[Destination, Written]) -> list[Fault]:
    return read_ledger(dirty[0].ledger)


def test_the_ledger_counts_what_was_told_and_has_about_the_share_asked_of_every_kind(
    dirty: tuple[Destination, Written], faults: list[Fault]
) -> None:
    assert Counter(fault.kind.value for fault in faults) == Counter(dirty[1].faults)
    assert {fault.kind for fault in faults} == set(ROW_KINDS)
    traffic = Counter(fault.kind for fault in faults if fault.table == "traffic")
    assert all(SHARE / 2 < count / dirty[1].rows["traffic"] < SHARE * 2 for count in traffic.values())
    places = Counter((fault.file, fault.line) for fault in faults if fault.line)
    assert max(places.values()) == 1, "one fault a row"


def test_a_clean_file_is_the_dirty_one_with_each_fault_of_the_ledger_undone(
    clean: Path, dirty: tuple[Destination, Written], faults: list[Fault]
) -> None:
    by_file: dict[str, dict[int, Fault]] = {path.name: {} for path in clean.glob("*.csv")}
    for fault in faults:
        if fault.line:
            by_file[fault.file][fault.line] = fault
    for file, planted in by_file.items():
        before, after = cells_of(clean, file), cells_of(dirty[0].extracts, file)
        missing = {
            (fault.customer_id.encode(), fault.month.encode())
            for fault in faults
            if fault.file == file and fault.kind is Dirt.MISSING_MONTH
        }
        rows = [row for row in before if (row[0], row[1]) not in missing]
        assert len(before) - len(rows) == len(missing)
        remaining = iter(rows)
        for line, row in enumerate(after, start=1):
            fault_here = planted.get(line)
            if fault_here is None:
                assert row == next(remaining), f"{file}:{line}"
            elif fault_here.kind is Dirt.DUPLICATE:
                assert row == after[line - 2], f"{file}:{line}"
            else:
                check(fault_here, next(remaining), row)
        assert next(remaining, None) is None


def check(fault: Fault, before: list[bytes], after: list[bytes]) -> None:
    """Assert that a row differs from the clean one in what the fault says, and in that alone."""
    place = column_of(fault, fault.column)
    other = column_of(fault, fault.other_column) if fault.other_column else place
    if fault.kind is Dirt.EXTRA_COLUMN:
        assert len(after) == len(before) + 1
        assert after == [*before[: place + 1], b"", *before[place + 1 :]]
        return
    assert [b for n, b in enumerate(before) if n not in (place, other)] == [
        a for n, a in enumerate(after) if n not in (place, other)
    ]
    match fault.kind:
        case Dirt.SWAPPED_COLUMNS:
            assert (after[place], after[other]) == (before[other], before[place])
        case Dirt.BROKEN_BYTES:
            assert after[place] == before[place] + b"\xff\xff"
            with pytest.raises(UnicodeDecodeError):
                after[place].decode("gb18030")
        case Dirt.WRONG_TYPE:
            assert after[place].decode("gb18030") == "缺失"
        case Dirt.UNKNOWN_CUSTOMER:
            assert after[place].startswith(b"999")
        case _:
            assert after[place] != before[place]


def test_faults_in_parquet_stand_in_their_part_and_keep_its_types(tmp_path: Path) -> None:
    kinds = (Dirt.DUPLICATE, Dirt.UNKNOWN_CUSTOMER, Dirt.OUT_OF_RANGE, Dirt.UNKNOWN_WORD)
    destination, written = write(tmp_path, PARQUET, dict.fromkeys(kinds, SHARE))
    schema = parquet.read_schema(destination.extracts / "traffic-02.parquet")
    assert schema.field("通话分钟数").type == pa.decimal128(12, 1)
    seen: Counter[str] = Counter()
    tables = {path.name: parquet.read_table(path) for path in destination.extracts.glob("*.parquet")}
    for fault in read_ledger(destination.ledger):
        table = tables[fault.file]
        assert fault.line is not None
        row = table.slice(fault.line - 1, 1).to_pylist()[0]
        if fault.kind is Dirt.DUPLICATE:
            assert row == table.slice(fault.line - 2, 1).to_pylist()[0]
        elif fault.kind is Dirt.UNKNOWN_CUSTOMER:
            assert row["用户编号"].startswith("999")
        elif fault.kind is Dirt.OUT_OF_RANGE and fault.table == "traffic":
            assert row["通话分钟数"] == -5
        elif fault.kind is Dirt.UNKNOWN_WORD and fault.table == "customers":
            assert row["用户状态"] == "已过户"
        seen[fault.kind.value] += 1
    assert seen == written.faults


def test_late_files_lie_beside_and_come_with_the_faults_planted_in_them(clean: Path, tmp_path: Path) -> None:
    destination, _ = write(tmp_path, MONTHLY, {Dirt.LATE_FILE: 0.1})
    late = {fault.file for fault in read_ledger(destination.ledger)}
    assert len(late) == round(0.1 * 4 * 9)
    assert {path.name for path in destination.late.glob("*.csv")} == late
    names = {path.name for path in clean.iterdir()}
    assert {path.name for path in destination.extracts.iterdir()} == names - late
    assert all((destination.late / file).read_bytes() == (clean / file).read_bytes() for file in late)
    write(tmp_path, MONTHLY, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["extracts", "tastes.parquet"], "old faults are cleared"


@pytest.mark.parametrize(
    ("request_", "form", "why"),
    [
        ("wrong_tpye=0.1", CSV, "there is no kind 'wrong_tpye'"),
        ("duplicate", CSV, "expected duplicate=SHARE"),
        ("duplicate=0", CSV, "above 0"),
        ("duplicate=0.9", CSV, "up to 0.5"),
        ("broken_bytes=0.1", PARQUET, "whose columns are typed"),
        ("late_file=0.1", CSV, "needs a file a month"),
    ],
)
def test_dirt_that_cannot_be_is_refused(request_: str, form: Form, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        shares_of([request_], form)


def test_the_ledger_never_goes_into_the_extracts_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="must never see it"):
        Destination.of(tmp_path / "extracts", ledger=tmp_path / "extracts" / "faults.jsonl")
