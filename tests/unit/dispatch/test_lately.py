"""What happened lately is counted, and forgotten."""

from enum import StrEnum

from services.dispatch.channels.lately import Lately


class Fact(StrEnum):
    HELLO = "hello"
    BYE = "bye"


def test_facts_are_counted_apart_until_their_time_is_over() -> None:
    now = [0.0]
    lately: Lately[Fact] = Lately(60.0, monotonic=lambda: now[0])
    for now[0] in (0.0, 1.0, 50.0):
        lately.note(Fact.HELLO)
    lately.note(Fact.BYE)
    assert lately.counts() == {Fact.HELLO: 3, Fact.BYE: 1}
    now[0] = 100.0
    assert lately.counts() == {Fact.HELLO: 1, Fact.BYE: 1}
    now[0] = 111.0
    assert lately.counts() == {}


def test_a_memory_is_put_into_words_only_where_there_is_something_to_say() -> None:
    lately: Lately[Fact] = Lately(300.0)
    assert lately.in_words("") == []
    assert lately.in_words("two hellos") == ["in the last 5 minutes two hellos"]
