"""Cells of files, with the line numbers that an editor shows, whatever they are packed in and whatever stands around them."""

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.datasets.source_files import look_at
from services.profile.datasets.source_files.cells import BlockSize, open_cells
from services.profile.domain.mapping import TableMapping
from services.profile.domain.places import LINE_BITS, LINE_MASK
from services.profile.domain.source_tables import VIP_CUSTOMERS
from services.profile.engine.row_source import ParquetRows, TextRows
from services.profile.ports import SourceUnreadable

Row = tuple[int, int, str | None, str | None]
SMALL = BlockSize(block_bytes=7, longest_line=20)
PER_EXAMPLE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def mapping(*files: str, heading: str = "h", **options: object) -> TableMapping:
    return TableMapping(VIP_CUSTOMERS, files, {"customer_id": heading}, **{"delimiter": "|", **options})  # type: ignore[arg-type]  # options by name


def rows_of(folder: Path, asked: TableMapping, size: BlockSize | None = None) -> list[Row]:
    """Return (file, line, cell, fault) of each row of the one heading asked for."""
    cells = open_cells(folder, asked, folder, lambda _done, _total: None, size)
    assert isinstance(cells.rows, TextRows)
    found = cells.rows.batches.read_all().sort_by("place").to_pylist()
    return [(r["place"] >> LINE_BITS, r["place"] & LINE_MASK, r["cell 0"], r["fault"]) for r in found]


def expected_rows(lines: Sequence[bytes]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=2):
        text = line.rstrip(b"\r")
        if not text:
            continue
        if len(text) > 20:
            yield 0, number, None, "expected a line of at most 1 MiB"
        elif b"\0" in text:
            yield 0, number, None, "expected text without NUL characters"
        else:
            try:
                yield 0, number, text.decode(), None
            except UnicodeDecodeError:
                yield 0, number, None, "expected text in UTF-8"


@PER_EXAMPLE
@given(
    lines=st.lists(
        st.sampled_from([b"", b"a,b", b"\r", "全球通,合肥".encode(), b"\xff\xfe", b"a\0b", b"abc\r", b"x" * 19])
    )
)
def test_every_line_keeps_its_number_whatever_stands_around_it(tmp_path: Path, lines: list[bytes]) -> None:
    (tmp_path / "file.csv").write_bytes(b"\n".join([b"h", *lines]))
    assert rows_of(tmp_path, mapping("file.csv"), SMALL) == list(expected_rows(lines))
    assert rows_of(tmp_path, mapping("file.csv"), BlockSize(longest_line=20)) == list(expected_rows(lines))


@pytest.mark.parametrize("length", [21, 22, 27, 28, 29, 100])
def test_a_line_without_end_costs_itself_only(tmp_path: Path, length: int) -> None:
    (tmp_path / "file.csv").write_bytes(b"h\nbefore\n" + b"x" * length + b"\nafter\n")
    before, endless, after = rows_of(tmp_path, mapping("file.csv"), SMALL)
    assert before == (0, 2, "before", None)
    assert endless == (0, 3, None, "expected a line of at most 1 MiB")
    assert after == (0, 4, "after", None)


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters='|"\x85'), min_size=1)


@PER_EXAMPLE
@given(texts=st.lists(words, max_size=30), size=st.integers(1, 60))
def test_any_text_survives_gb18030_in_blocks_of_any_size(tmp_path: Path, texts: list[str], size: int) -> None:
    (tmp_path / "file.csv").write_bytes("\n".join(["h", *texts]).encode("gb18030"))
    found = rows_of(tmp_path, mapping("file.csv", encoding="gb18030"), BlockSize(block_bytes=size))
    assert found == [(0, number, text, None) for number, text in enumerate(texts, start=2)]


@PER_EXAMPLE
@given(
    garbage=st.lists(st.binary(min_size=1, max_size=8).filter(lambda line: not set(line) & set(b"\n\r|")), max_size=12),
    encoding=st.sampled_from(["gbk", "gb18030", "utf-8"]),
)
def test_broken_bytes_cost_their_own_line_and_no_other(tmp_path: Path, garbage: list[bytes], encoding: str) -> None:
    sound = "用户".encode(encoding)
    lines = [line for bad in garbage for line in (bad, sound)]
    (tmp_path / "file.csv").write_bytes(b"\n".join([b"h", *lines]))
    found = rows_of(tmp_path, mapping("file.csv", encoding=encoding))
    assert [row[1] for row in found] == list(range(2, len(lines) + 2))
    assert [row[2] for row in found[1::2]] == ["用户"] * len(garbage)
    assert all((row[2] is None) != (row[3] is None) for row in found)


def test_progress_counts_rows_and_ends_with_their_number(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(b"h\n" + b"row\n" * 40)
    heard: list[tuple[int, int]] = []
    cells = open_cells(
        tmp_path, mapping("*.csv"), tmp_path, lambda done, total: heard.append((done, total)), BlockSize(block_bytes=50)
    )
    assert isinstance(cells.rows, TextRows)
    cells.rows.batches.read_all()
    assert heard[-1] == (80, 80)
    assert heard == sorted(heard, key=lambda each: each[0])
    assert all(done <= total for done, total in heard)


def test_files_are_found_by_name_glob_and_member_whatever_packs_them(tmp_path: Path) -> None:
    for month in ("202609", "202610"):
        (tmp_path / f"bills_{month}.csv.gz").write_bytes(gzip.compress(f"h|x\n{month}|1\n".encode()))
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        archive.writestr("账单.csv", "x|h\n1|202608\n")
        archive.writestr("readme.md", "no table")
        archive.writestr("__MACOSX/._账单.csv", "noise")
    asked = mapping("bills_*.csv.gz", "old.zip")
    assert [file.name for file in look_at(tmp_path, asked)] == [
        "bills_202609.csv.gz",
        "bills_202610.csv.gz",
        "old.zip/账单.csv",
    ]
    assert rows_of(tmp_path, asked) == [(0, 2, "202609", None), (1, 2, "202610", None), (2, 2, "202608", None)]
    with pytest.raises(SourceUnreadable, match=r"old.zip holds no member named like bills\*"):
        look_at(tmp_path, mapping("old.zip", member="bills*"))


def test_packed_parquet_is_unpacked_beside(tmp_path: Path) -> None:
    pq.write_table(pa.table({"h": [1, 2]}), tmp_path / "plain.parquet")
    packed = gzip.compress((tmp_path / "plain.parquet").read_bytes())
    (tmp_path / "packed.parquet.gz").write_bytes(packed)
    asked = mapping("packed.parquet.gz")
    assert look_at(tmp_path, asked)[0].headings == ("h",)
    cells = open_cells(tmp_path, asked, tmp_path, lambda _done, _total: None)
    assert isinstance(cells.rows, ParquetRows)
    assert pq.read_table(cells.rows.paths[0]).to_pydict() == {"h": [1, 2]}


def test_headings_come_without_byte_order_mark_and_blanks(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_bytes('\ufeff用户编号; 账期 ;"a;b"\r\n1;2;3\n'.encode())
    assert look_at(tmp_path, mapping("file.csv", delimiter=";"))[0].headings == ("用户编号", "账期", "a;b")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("file.csv", None, "does not exist"),
        ("file*.csv", None, "has no file named like"),
        ("file.csv", b"\xff\xfe\x00", "is not one of headings: expected text without NUL"),
        ("file.csv", "用户".encode("gbk"), "is not one of headings: expected text in UTF-8"),
        ("file.csv", b'"a|b\n', "is not one of headings: expected each quotation mark"),
        ("file.csv.gz", b"plain", "is damaged"),
        ("file.zip", b"plain", "is no zip that can be read"),
        ("file.parquet", b"plain", "is no Parquet file"),
        ("a\0b.csv", None, "does not exist"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_from_a_wrong_one(
    tmp_path: Path, name: str, content: bytes | None, why: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnreadable, match=why):
        look_at(tmp_path, mapping(name))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["a.csv", "b.csv.gz"], "holds b.csv.gz beside what can be read"),
        (["a.csv", "a.csv"], "two files called a.csv"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_file_of_a_zip_is_left_out_in_silence(tmp_path: Path, names: list[str], why: str) -> None:
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        for name in [*names, "readme.md"]:
            archive.writestr(name, "h|x\n1|1\n")
    with pytest.raises(SourceUnreadable, match=why):
        look_at(tmp_path, mapping("old.zip"))


def test_a_packed_file_that_breaks_off_is_told_with_its_name(tmp_path: Path) -> None:
    whole = gzip.compress(b"h\n" + b"".join(b"%d\n" % number for number in range(50_000)))
    (tmp_path / "file.csv.gz").write_bytes(whole[: len(whole) // 2])
    cells = open_cells(tmp_path, mapping("file.csv.gz"), tmp_path, lambda _done, _total: None)
    assert isinstance(cells.rows, TextRows)
    with pytest.raises(SourceUnreadable, match=r"file.csv.gz is damaged"):
        cells.rows.batches.read_all()
    assert isinstance(cells.failure, SourceUnreadable)
