"""Every input and output of a matrix has a title that planners write at its head, and no two words there mean the same."""

import unicodedata
from collections import Counter

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import Purpose
from services.recommendation.engine.matrix.csv_words import own_header
from services.recommendation.engine.matrix.names import is_name
from services.recommendation.engine.rulebook import OUTPUTS, PAIR_FIELDS, PURPOSE_TITLES

INPUTS = {**matrix_fields(), **PAIR_FIELDS}


def folded(word: str) -> str:
    """Return the word as a header is looked up: in whatever width and case."""
    return unicodedata.normalize("NFKC", word).casefold()


def test_every_input_has_a_title() -> None:
    assert [name for name, field in INPUTS.items() if not field.title] == []


def test_every_title_can_stand_in_a_cell_and_heads_nothing_else() -> None:
    titles = [field.title for field in INPUTS.values()]
    assert [title for title in titles if not is_name(title) or own_header(title)] == []


def test_no_input_is_offered_twice() -> None:
    assert not matrix_fields().keys() & PAIR_FIELDS.keys()


def test_no_word_heads_two_inputs() -> None:
    words = Counter(folded(word) for name, field in INPUTS.items() for word in (name, field.title))
    assert [word for word, times in words.items() if times > 1] == []


@pytest.mark.parametrize("purpose", OUTPUTS)
def test_outputs_have_titles_that_differ(purpose: str) -> None:
    words = [word for output in OUTPUTS[purpose] for word in (output.name, output.type.title)]
    assert all(words)
    assert len(set(map(folded, words))) == len(words)


def test_every_purpose_has_a_title_that_differs() -> None:
    assert set(PURPOSE_TITLES) == set(Purpose) == set(OUTPUTS)
    words = [*PURPOSE_TITLES, *PURPOSE_TITLES.values()]
    assert len(set(words)) == len(words)
