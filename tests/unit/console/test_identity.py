"""Request ids are functions of what is asked."""

from pathlib import Path

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


def test_a_changed_byte_or_name_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,2")
    (tmp_path / "b.csv").write_text("3")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    first = fingerprint(files)
    assert fingerprint(reversed(files)) == first
    (tmp_path / "b.csv").write_text("4")
    assert fingerprint(files) != first
