"""Blocks of dirty text: the quick way finds the odd lines, and reads all others as one line after the other would be read."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.profile.datasets.source_files.lines import FieldSplitter, decoded_line
from services.profile.datasets.source_files.text_blocks import read_block
from services.profile.datasets.source_files.text_layout import TextLayout

FIRST = 7
LONGEST = 24
PLAIN_LINES = 700
"""So many that a few others are read one by one even if nothing but their letters is special."""
MARK = "\ufeff"
DELIMITERS = [",", "\t", "|", ";", "||", "，", "\x01", "^", "\\"]
Row = tuple[int, str | None, str | None, list[str | None]]


def read(block: bytes, layout: TextLayout) -> list[Row]:
    table = pa.Table.from_batches(read_block(block, FIRST, layout), layout.schema)
    table.validate(full=True)
    rows = table.sort_by("place")
    return [(row["place"], row["text"], row["fault"], list(row.values())[3:]) for row in rows.to_pylist()]


def read_slowly(block: bytes, layout: TextLayout) -> Iterator[Row]:
    splitter = FieldSplitter(layout.delimiter, layout.field_count)
    for place, line in enumerate(block.split(b"\n"), start=FIRST):
        if not line.rstrip(b"\r"):
            continue
        text, fault = decoded_line(line, layout.encoding, longest_line=layout.longest_line)
        fields: list[str] = []
        if not fault:
            fields, fault = splitter.fields(text)
        cells = [fields[index] or None if fields else None for index in layout.wanted]
        yield place, text if fault else None, fault or None, cells


@st.composite
def layouts(draw: st.DrawFn) -> TextLayout:
    count = draw(st.integers(1, 4))
    wanted = draw(st.lists(st.integers(0, count - 1), unique=True))
    encoding = draw(st.sampled_from(["utf-8", "gbk", "gb18030"]))
    return TextLayout(encoding, draw(st.sampled_from(DELIMITERS)), count, wanted, longest_line=LONGEST)


def sound_lines(layout: TextLayout) -> st.SearchStrategy[bytes]:
    plain = st.sampled_from(["", "a", "12.5", "用户", " ", "全球通"])
    held = ["", "a", '""', layout.delimiter, "用"]
    quoted = st.lists(st.sampled_from(held), max_size=2).map(lambda parts: f'"{"".join(parts)}"')
    fields = st.lists(plain | quoted, min_size=layout.field_count, max_size=layout.field_count)
    return fields.map(lambda each: layout.delimiter.join(each).encode(layout.encoding))


def odd_lines(layout: TextLayout) -> st.SearchStrategy[bytes]:
    """Return lines of everything that has a meaning somewhere, in any order."""
    texts = [MARK, "用", '"', '""', layout.delimiter, layout.delimiter[0], "\x1f", "\r", "\n", "\0", "a", "x" * LONGEST]
    broken = [b"\xff", b"\x81", b"\x81\x30", b"\xe7\x94", b"\x80"]
    encodable = [text.encode(layout.encoding) for text in texts if layout.encoding != "gbk" or text != MARK]
    return st.lists(st.sampled_from([*encodable, *broken]), max_size=5).map(b"".join)


@st.composite
def dirty_blocks(draw: st.DrawFn) -> tuple[TextLayout, bytes]:
    layout = draw(layouts())
    lines = draw(st.lists(sound_lines(layout) | odd_lines(layout), max_size=8))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(lines)))
        lines[place:place] = PLAIN_LINES * [layout.delimiter.join("a" * layout.field_count).encode(layout.encoding)]
    return layout, draw(st.sampled_from([b"\n", b"\r\n"])).join(lines)


@settings(max_examples=400, deadline=None)
@given(dirty=dirty_blocks())
@example(dirty=(TextLayout("utf-8", ",", 1, [0]), f"{MARK}a\n{MARK}b".encode()))
@example(dirty=(TextLayout("gb18030", "|", 2, [1]), b'"a\n"b"|c\n\x81|d\ne|f'))
def test_rows_of_dirty_text_are_those_of_its_lines_one_by_one(dirty: tuple[TextLayout, bytes]) -> None:
    layout, block = dirty
    assert read(block, layout) == list(read_slowly(block, layout))


BAD_LINES = [b"a", b"a,b,c", b"\xff,b", b'"a,b', b'a"b,c', b"a,\0b", b"a\rb,c", b"a," + b"x" * LONGEST, b"a\x81\x30,b"]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("quote", [b"", b'"'])
def test_only_bad_lines_are_read_one_by_one(encoding: str, end: bytes, quote: bytes) -> None:
    sound = [quote + f"用户{number}".encode(encoding) + quote + b",%d" % number for number in range(3_000)]
    lines = list(sound)
    for place, bad in zip(range(100, 3_000, 300), BAD_LINES, strict=False):
        lines[place] = bad
    layout = TextLayout(encoding, ",", 2, [1], longest_line=LONGEST)
    quick, slow = read_block(end.join(lines), 0, layout)
    assert slow.column("place").to_pylist() == list(range(100, 100 + 300 * len(BAD_LINES), 300))
    assert quick.num_rows == 3_000 - len(BAD_LINES)
    assert quick.column("cell 0").to_pylist() == [str(place) for place in quick.column("place").to_pylist()]
    assert len(list(read_block(end.join(sound), 0, layout))) == 1


def places_of_faults(lines: Sequence[bytes], layout: TextLayout) -> list[int]:
    return [place - FIRST for place, _, fault, _ in read(b"\n".join(lines), layout) if fault]


def test_a_bad_line_among_thousands_shifts_no_number() -> None:
    lines = [b"a,%d" % number for number in range(5_000)]
    lines[1_234], lines[4_000], lines[4_321] = b"a", b"", b"\xff,b"
    layout = TextLayout("utf-8", ",", 2, [1])
    assert places_of_faults(lines, layout) == [1_234, 4_321]
    rows = read(b"\n".join(lines), layout)
    assert [after[0] for before, after in pairwise(rows) if after[0] != before[0] + 1] == [4_001 + FIRST]
    assert all(cells == [str(place - FIRST)] for place, _, fault, cells in rows if not fault)
