"""Two versions differ by the cells that a person changed, wherever the rows stand now."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.diff import Difference, Differences, RowDifference, difference
from services.recommendation.engine.rulebook import read_matrix
from tests.factories.recommendation import matrix_csv

HEADERS = ("arpu", "brand", "=> policy_group", "=> main_policy", "note")
FIELDS = matrix_fields()
ROWS = [
    ["[100..150)", '"GoTone"', "group 6", "pay 100", ""],
    ["> 150", "-", "group 1", "pay 300", "the best"],
    ["< 50", "-", "group 2", "pay 50", ""],
    ["-", "-", "", "", ""],
]


def table(rows: Sequence[Sequence[str]], headers: Sequence[str] = HEADERS, hit_policy: str = "FIRST") -> DecisionTable:
    return read_matrix(matrix_csv("retention", hit_policy, headers, rows), fields=FIELDS)


def compared(new: Sequence[Sequence[str]], old: Sequence[Sequence[str]] = ROWS) -> Differences:
    return difference(table(old), table(new))


def test_a_version_does_not_differ_from_itself() -> None:
    assert compared(ROWS) == Differences((), (), (), (), 4)


def test_changed_cells_are_named_by_their_column_and_the_rows_of_both() -> None:
    found = compared([ROWS[0], ["> 160", "-", "group 1", "pay 300", "better"], *ROWS[2:]])
    changed = (Difference("arpu", "> 150", "> 160"), Difference("note", "the best", "better"))
    assert (found.rows, found.same) == ((RowDifference(4, 4, changed),), 3)


def test_a_row_that_was_put_in_leaves_those_below_it_the_same() -> None:
    new = ["[50..100)", '"M-Zone"', "group 9", "pay 70", "new"]
    found = compared([ROWS[0], new, *ROWS[1:]])
    cells = tuple(Difference(column, "", cell) for column, cell in zip(HEADERS, new, strict=True))
    assert (found.rows, found.same) == ((RowDifference(None, 4, cells),), 4)
    gone = difference(table([ROWS[0], new, *ROWS[1:]]), table(ROWS))
    assert [(row.old_row, row.new_row) for row in gone.rows] == [(4, None)]


def test_a_row_that_was_moved_as_it_is_is_told_as_moved() -> None:
    found = compared([ROWS[1], ROWS[2], ROWS[0], ROWS[3]])
    assert (found.rows, found.same) == ((RowDifference(3, 5, ()),), 3)


def test_a_new_column_that_lets_all_pass_changes_no_row() -> None:
    headers = (*HEADERS[:2], "tenure_months", *HEADERS[2:])
    wider = [[*row[:2], "-", *row[2:]] for row in ROWS]
    wider[2][2] = ">= 12"
    found = difference(table(ROWS), table(wider, headers))
    assert (found.added_columns, found.removed_columns) == (("tenure_months",), ())
    assert found.rows == (RowDifference(5, 5, (Difference("tenure_months", "-", ">= 12"),)),)
    back = difference(table(wider, headers), table(ROWS))
    assert back.removed_columns == ("tenure_months",)


def test_what_stands_above_the_headers_is_told_by_line() -> None:
    found = difference(table(ROWS), table(ROWS, hit_policy="UNIQUE"))
    assert found.lines == (Difference("hit policy", "FIRST", "UNIQUE"),)


CELLS = st.tuples(
    st.sampled_from(["-", "> 10", "> 20", "< 5"]), st.sampled_from(["-", '"GoTone"']), st.sampled_from(["a", "b", "c"])
)


@given(st.lists(CELLS, min_size=1, max_size=7), st.lists(CELLS, min_size=1, max_size=7))
def test_the_differences_turn_the_old_rows_into_the_new_ones(
    old: list[tuple[str, str, str]], new: list[tuple[str, str, str]]
) -> None:
    headers = ("arpu", "brand", "=> policy_group", "=> main_policy")
    tables = [table([[*row, row[2]] for row in rows], headers) for rows in (old, new)]
    found = difference(*tables)
    news = [[*row, row[2]] for row in new]
    olds = [[*row, row[2]] for row in old]
    told_old = sorted(row.old_row for row in found.rows if row.old_row)
    told_new = sorted(row.new_row for row in found.rows if row.new_row)
    assert len(told_old) == len(set(told_old)) == len(old) - found.same
    assert len(told_new) == len(set(told_new)) == len(new) - found.same
    for row in found.rows:
        before = dict(zip(headers, olds[row.old_row - 3], strict=True)) if row.old_row else {}
        after = {**before, **{cell.where: cell.new for cell in row.cells}}
        if row.new_row:
            assert after == dict(zip(headers, news[row.new_row - 3], strict=True))
    kept_old = [cells for place, cells in enumerate(olds, start=3) if place not in told_old]
    assert kept_old == [cells for place, cells in enumerate(news, start=3) if place not in told_new]
