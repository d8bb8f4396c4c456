"""What is wrong with a gateway is said in words, and forgotten when it is over."""

import pytest

from services.dispatch.channels.watch import GatewayWatch, Heard, Patience
from services.dispatch.ports import Receipt

PATIENCE = Patience(memory=300, answer=5, report=900, reports=3, numbers=2)
TAKEN, BUSY, NO_NUMBER, STRANGE = Heard.TAKEN, Heard.BUSY, Heard.NUMBER_REFUSED, Heard.UNREADABLE


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def watch(stopwatch: Stopwatch) -> GatewayWatch:
    return GatewayWatch(PATIENCE, monotonic=stopwatch)


def receipt(message_id: str, status: str = "DELIVRD") -> Receipt:
    return Receipt("a", message_id, "13800000001", status, None, None)


def test_all_is_well_with_a_gateway_that_answers_and_reports(watch: GatewayWatch, stopwatch: Stopwatch) -> None:
    for n in range(100):
        watch.answered(TAKEN, after=0.1)
        watch.reported([receipt(str(n))])
    stopwatch.seconds = 5000
    assert watch.problems() == []


@pytest.mark.parametrize(
    ("answer", "after", "said"),
    [
        (BUSY, 0.1, "the gateway was too busy for 2 of 3 SMS (Result 8); they are sent later"),
        (None, 60.0, "the gateway left 2 of 3 SMS unanswered; they may have left and are not sent again"),
        (STRANGE, 0.1, "the gateway answered 2 of 3 SMS unreadably; they may have left and are not sent again"),
        (TAKEN, 7.25, "the gateway was slow to answer 2 of 3 SMS, by up to 7.2 s"),
        (NO_NUMBER, 0.1, "the gateway did not serve 2 of 3 numbers (Result 13)"),
    ],
)
def test_bad_answers_are_counted_and_forgotten_after_a_while(
    watch: GatewayWatch, stopwatch: Stopwatch, answer: Heard | None, after: float, said: str
) -> None:
    for each in (answer, answer):
        watch.answered(each, after=after)
    watch.answered(BUSY if answer is NO_NUMBER else NO_NUMBER, after=0.1)
    assert said in watch.problems()[0]
    stopwatch.seconds = 301
    assert watch.problems() == []


def test_a_few_numbers_that_are_not_served_are_nobodys_fault(watch: GatewayWatch) -> None:
    for n in range(100):
        watch.answered(NO_NUMBER if n % 20 == 0 else TAKEN, after=0.1)
    assert watch.problems() == []


def test_several_problems_are_said_together(watch: GatewayWatch) -> None:
    watch.strayed()
    watch.line_lost("closed by the peer")
    watch.line_lost("connection lost: reset")
    watch.reported([receipt("1"), receipt("1"), receipt("1", "UNDELIV")])
    assert watch.problems() == [
        "in the last 5 minutes the gateway answered 1 SMS twice or too late; the line was lost 2 times, the last: "
        "connection lost: reset; the gateway brought 1 reports again"
    ]


def test_silence_about_what_was_taken_is_a_problem_until_the_first_report(
    watch: GatewayWatch, stopwatch: Stopwatch
) -> None:
    for _ in range(3):
        watch.answered(TAKEN, after=0.1)
    stopwatch.seconds = 899
    assert watch.problems() == []
    stopwatch.seconds = 901
    assert watch.problems() == ["no report came on any of 3 SMS, the first taken 15.0 minutes ago"]
    watch.reported([receipt("1")])
    assert watch.problems() == []
