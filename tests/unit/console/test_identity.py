"""Request ids are functions of what is asked."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.identity import fingerprint, request_id

TEXTS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))


QUESTIONS = st.tuples(TEXTS, TEXTS, st.lists(TEXTS))


@given(QUESTIONS, QUESTIONS)
def test_the_same_question_has_the_same_id_and_another_has_another(
    one: tuple[str, str, list[str]], other: tuple[str, str, list[str]]
) -> None:
    ids = {request_id(cycle, step, *inputs) for cycle, step, inputs in (one, other)}
    assert len(ids) == (1 if one == other else 2)


def unheard(_done: int, _total: int) -> None:
    """Nobody listens."""


def test_a_changed_byte_or_name_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    (tmp_path / "b.csv").write_text("3")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    first = fingerprint(files, unheard)
    assert fingerprint(reversed(files), unheard) == first
    (tmp_path / "b.csv").write_text("4")
    assert fingerprint(files, unheard) != first
    (tmp_path / "b.csv").write_text("3")
    assert fingerprint([*files, tmp_path / "a.csv"], unheard) != first


def test_a_fingerprint_tells_how_far_it_is_and_ends_when_nobody_waits_any_more(tmp_path: Path) -> None:
    files = [tmp_path / f"{number:02}.csv" for number in range(20)]
    for file in files:
        file.write_text(file.name)
    heard: list[tuple[int, int]] = []

    def ending(done: int, total: int) -> None:
        heard.append((done, total))
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fingerprint(files, ending)
    assert heard == [(1, 20), (2, 20), (3, 20)]
