"""Lines of files, with the numbers that an editor shows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.datasets import source_files
from services.profile.datasets.source_files import read_headings, read_lines
from services.profile.ports import SourceUnreadable


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_BLOCK_BYTES", 7)
    monkeypatch.setattr(source_files, "_LONGEST_LINE", 20)


def rows_of(path: Path) -> list[tuple[int, str, str | None]]:
    table = read_lines(path, lambda _done, _total: None).read_all()
    return [(row["line"], row["text"], row["fault"]) for row in table.to_pylist()]


def expected_rows(content: bytes) -> Iterator[tuple[int, str, str | None]]:
    for number, line in enumerate(content.split(b"\n"), start=1):
        text = line.rstrip(b"\r")
        if number == 1 or not text:
            continue
        if len(line) > 20 and len(text) > 20:
            yield number, text[:500].decode(errors="replace"), "expected a line of at most 1 MiB"
            continue
        if b"\0" in text:
            yield number, text.decode().replace("\0", "\ufffd"), "expected text without NUL characters"
            continue
        try:
            yield number, text.decode(), None
        except UnicodeDecodeError:
            yield number, text.decode(errors="replace"), "expected text in UTF-8"


@pytest.mark.usefixtures("small_blocks")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.sampled_from([b"", b"a,b", b"\r", "全球通,合肥".encode(), b"\xff\xfe", b"a\0b", b"abc\r", b"x" * 19])
    )
)
def test_every_line_keeps_its_number_whatever_stands_around_it(tmp_path: Path, lines: list[bytes]) -> None:
    content = b"\n".join([b"headings", *lines])
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    assert rows_of(path) == list(expected_rows(content))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("length", [21, 22, 27, 28, 29, 100])
def test_a_line_without_end_costs_itself_only(tmp_path: Path, length: int) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"headings\nbefore\n" + b"x" * length + b"\nafter\n")
    before, endless, after = rows_of(path)
    assert before == (2, "before", None)
    assert (endless[0], endless[2]) == (3, "expected a line of at most 1 MiB")
    assert after == (4, "after", None)


@pytest.mark.usefixtures("small_blocks")
def test_progress_counts_rows_and_ends_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"headings\n" + b"row\n" * 40)
    heard: list[tuple[int, int]] = []
    read_lines(path, lambda done, total: heard.append((done, total))).read_all()
    assert heard[-1] == (40, 40)
    assert heard == sorted(heard)
    assert all(done <= total for done, total in heard)


def test_headings_come_without_byte_order_mark_and_blanks(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes('\ufeff用户编号; 账期 ;"a;b"\r\n1;2;3\n'.encode())
    assert read_headings(path, ";") == ["用户编号", "账期", "a;b"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "does not exist"),
        (b"\xff\xfe\x00", "is not one of headings in UTF-8"),
        (b'"a,b\n', "is not one of headings"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_from_a_wrong_one(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceUnreadable, match=why):
        read_headings(path, ",")


def test_a_name_that_no_file_can_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="is no path of a file"):
        read_headings(tmp_path / "a\0b.csv", ",")
