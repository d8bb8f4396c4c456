"""The life of a version: no way leads to publication past a check and an approval, and the log alone tells where it stands."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.recommendation.domain import Life, SlotStep, Stage, State, Step, StepKind, before, life_of

NOW = datetime(2026, 11, 9, tzinfo=UTC)
CYCLES = ("2026-11", "2026-12")


def steps(*kinds: StepKind, cycle: str = "2026-11") -> Life:
    return life_of(Step(kind, "li", NOW, "why", cycle) for kind in kinds)


class Walk(RuleBasedStateMachine):
    """Takes any steps in any order, those that are refused, too, and keeps its own account in the plainest way."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.taken: list[Step] = []
        self.live: set[str] = set()

    @rule(kind=st.sampled_from(StepKind), cycle=st.sampled_from(CYCLES))
    def step(self, kind: StepKind, cycle: str) -> None:
        if not self.life.allows(kind, cycle):
            with pytest.raises(ValueError, match="cannot be"):
                self.life.after(kind, cycle)
            return
        before_it = self.life
        self.life = self.life.after(kind, cycle)
        self.taken.append(Step(kind, "li", NOW, "why", cycle))
        assert self.life.etag("m") != before_it.etag("m")
        if kind in {StepKind.PUBLISHED, StepKind.RESTORED}:
            assert self.passed_check_and_approval()
            assert cycle not in self.live
            self.live.add(cycle)
        if kind in {StepKind.SUPERSEDED, StepKind.ROLLED_BACK}:
            self.live.remove(cycle)

    def passed_check_and_approval(self) -> bool:
        """Whether, since the last check that found errors, one found none and then somebody approved."""
        kinds = [step.kind for step in self.taken[:-1]]
        if StepKind.FAULTED in kinds:
            kinds = kinds[len(kinds) - kinds[::-1].index(StepKind.FAULTED) :]
        return StepKind.APPROVED in kinds and StepKind.CHECKED in kinds[: kinds.index(StepKind.APPROVED)]

    @precondition(lambda self: self.life.stage is Stage.RETIRED)
    @rule(kind=st.sampled_from(StepKind), cycle=st.sampled_from(CYCLES))
    def nothing_follows_the_end(self, kind: StepKind, cycle: str) -> None:
        assert not self.life.allows(kind, cycle)

    @invariant()
    def the_log_alone_tells_where_it_stands(self) -> None:
        assert life_of(self.taken) == self.life
        assert self.life.steps == len(self.taken)

    @invariant()
    def it_is_published_where_it_was_published_and_nothing_took_its_place(self) -> None:
        live = set() if self.life.stage is Stage.RETIRED else self.live
        assert set(self.life.cycles) == live
        assert (self.life.state is State.PUBLISHED) == bool(live)


TestWalk = Walk.TestCase


def test_a_check_that_finds_errors_takes_an_approval_back_but_lists_go_on() -> None:
    kinds = (StepKind.CHECKED, StepKind.APPROVED, StepKind.PUBLISHED, StepKind.FAULTED)
    life = steps(*kinds)
    assert (life.stage, life.state) == (Stage.DRAFT, State.PUBLISHED)
    assert not life.allows(StepKind.PUBLISHED, "2026-12")
    assert not steps(*kinds, StepKind.CHECKED).allows(StepKind.PUBLISHED, "2026-12")


def log(text: str) -> list[SlotStep]:
    """Return the log of "pA sA pB …": p(ublished) s(uperseded) b(ack) r(estored) x(retired)."""
    kinds = {
        "p": StepKind.PUBLISHED,
        "s": StepKind.SUPERSEDED,
        "b": StepKind.ROLLED_BACK,
        "r": StepKind.RESTORED,
        "x": StepKind.RETIRED,
    }
    return [SlotStep(word[1], kinds[word[0]]) for word in text.split()]


@pytest.mark.parametrize(
    ("told", "present", "expected"),
    [
        ("pA", "A", ""),
        ("", "", ""),
        ("pA sA pB", "B", "A"),
        ("pA sA pB sB pC", "C", "BA"),
        ("pA sA pB sB pC bC rB", "B", "A"),
        ("pA sA pB sB pC bC rB bB rA", "A", ""),
        ("pA sA pB sB pC bC rB sB pD", "D", "BA"),
        ("pA sA pB sB pA", "A", "B"),
        ("pA sA pB sB pC xB", "C", "A"),
        ("pA sA pB xB", "", "A"),
    ],
)
def test_a_roll_back_goes_to_what_was_published_before_and_never_forth(told: str, present: str, expected: str) -> None:
    assert "".join(before(log(told), present)) == expected


@given(st.lists(st.sampled_from("ABCD"), min_size=1, max_size=8), st.integers(0, 8))
def test_roll_backs_undo_publications_one_by_one(published: list[str], count: int) -> None:
    stack: list[str] = []
    told, present = "", ""
    for name in published:
        if name == present:
            continue
        told += f" s{present}" * bool(present) + f" p{name}"
        stack, present = [*(each for each in stack if each != name), name], name
    for _ in range(count):
        if not (options := before(log(told), present)):
            break
        told += f" b{present} r{options[0]}"
        stack, present = stack[:-1], options[0]
        assert present == stack[-1]
    assert len(before(log(told), present)) == len(stack) - 1
