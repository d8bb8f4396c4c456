"""What the simulated customers answer: by their tastes, and always the same."""

import math
from collections import Counter

import numpy as np
import pytest

from services.sandbox.audience import TasteAudience
from services.sandbox.gateway.audience import Reaction
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.draws import Floats
from services.sandbox.world.oracle import Answer, Line, Oracle
from tests.factories.sandbox import oracle, secret

BASE = 12_000
NEWSPAPER = Subject.MOBILE_NEWSPAPER
TEXT = "手机报首月免费，回复DZB订购，回复TD退订"


def within_chance(observed: int, probabilities: Floats) -> bool:
    """Tell whether a count of independent events lies within four standard deviations of what is expected."""
    deviation = math.sqrt(float((probabilities * (1 - probabilities)).sum()))
    return bool(abs(observed - probabilities.sum()) <= 4 * deviation + 1)


async def reactions(text: str, places: range) -> list[Reaction]:
    audience = TasteAudience(oracle(BASE))
    numbers = secret(BASE).msisdn
    return [await audience.receive(str(numbers[place]), text, "10658899") for place in places]


async def test_as_many_say_yes_by_sms_as_their_tastes_say() -> None:
    received = await reactions(TEXT, range(BASE))
    tastes = secret(BASE).tastes
    replies = Counter(reply for reaction in received for reply in reaction.replies)
    assert set(replies) == {"DZB", "TD"}
    assert within_chance(replies["DZB"], 0.98 * tastes.yes_by_sms[NEWSPAPER])
    assert within_chance(replies["TD"], 0.98 * tastes.opts_out)


async def test_a_repeat_changes_neither_the_answer_nor_when_it_comes() -> None:
    assert await reactions(TEXT, range(300)) == await reactions(TEXT, range(300))


async def test_about_two_in_a_hundred_are_not_reached_and_those_answer_nothing() -> None:
    received = await reactions(TEXT, range(BASE))
    unreached = [reaction for reaction in received if reaction.status == "UNDELIV"]
    assert 0.015 < len(unreached) / BASE < 0.025
    assert not any(reaction.replies for reaction in unreached)
    assert {reaction.status for reaction in received} == {"UNDELIV", "DELIVRD"}


async def test_reports_and_replies_come_within_two_seconds() -> None:
    for reaction in await reactions(TEXT, range(500)):
        assert 0.1 <= reaction.report_after <= reaction.report_after + reaction.reply_after <= 2.0


async def test_a_message_that_asks_nothing_is_read_in_silence() -> None:
    assert not any(reaction.replies for reaction in await reactions("春节快乐", range(500)))


async def test_a_number_that_nobody_holds_is_not_reached() -> None:
    reaction = await TasteAudience(oracle()).receive("19900000000", TEXT, "10658899")
    assert (reaction.status, reaction.replies) == ("UNDELIV", ())


@pytest.mark.parametrize("subject", list(Subject))
def test_as_many_say_yes_by_call_as_their_tastes_say(subject: Subject) -> None:
    asked, tastes = oracle(BASE), secret(BASE).tastes
    answers = Counter(asked.answer_by_call(place, subject, "policy-1") for place in range(BASE))
    assert within_chance(answers[Answer.YES], tastes.yes_by_call[subject])
    assert within_chance(answers[Answer.OPT_OUT], tastes.opts_out)
    assert answers[Answer.CONSIDERS] > 0


def test_an_answer_belongs_to_the_customer_and_the_policy_not_to_the_moment() -> None:
    asked, again = oracle(BASE), Oracle(secret(BASE))
    one = [asked.answer_by_call(place, NEWSPAPER, "policy-1") for place in range(500)]
    other = [asked.answer_by_call(place, NEWSPAPER, "policy-2") for place in range(500)]
    assert one != other
    assert one == [again.answer_by_call(place, NEWSPAPER, "policy-1") for place in reversed(range(500))][::-1]


def test_three_of_four_pick_up_and_a_bad_number_stays_bad() -> None:
    asked = oracle(BASE)
    first = [asked.pick_up(place, "policy-1", 1) for place in range(BASE)]
    second = [asked.pick_up(place, "policy-1", 2) for place in range(BASE)]
    assert first.count(Line.ANSWERED) / BASE == pytest.approx(0.75, abs=0.02)
    assert set(first) == set(Line)
    assert [line is Line.INVALID_NUMBER for line in first] == [line is Line.INVALID_NUMBER for line in second]
    assert first != second


def test_orders_unasked_follow_their_taste_and_nobody_orders_the_same_policy_twice() -> None:
    asked, wishes = oracle(BASE), secret(BASE).tastes.orders_unasked[NEWSPAPER]
    rounds = [dict(asked.order_unasked(NEWSPAPER, "paper", earlier_plans=plans)) for plans in range(3)]
    assert within_chance(len(rounds[0]), wishes)
    assert not rounds[0].keys() & rounds[1].keys()
    assert not rounds[2].keys() & (rounds[0].keys() | rounds[1].keys())
    top = set(secret(BASE).customer_id[np.argsort(-wishes)[: BASE // 4]])
    assert len(top & rounds[0].keys()) > len(rounds[0]) / 2
    assert all(0 <= lot < 1 for lot in rounds[0].values())


def test_who_has_left_answers_no_offer_with_yes_and_orders_nothing() -> None:
    asked, world = oracle(BASE), secret(BASE)
    gone = np.flatnonzero(world.tastes.leaving == 0)
    assert len(gone) > 100
    for subject in (*PRODUCTS, Subject.RETENTION):
        assert all(asked.answer_by_call(int(place), subject, "p") is not Answer.YES for place in gone)
        assert not set(world.customer_id[gone]) & dict(asked.order_unasked(subject, "p", earlier_plans=0)).keys()
