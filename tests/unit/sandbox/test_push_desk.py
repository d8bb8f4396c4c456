"""What the simulated push gateway decides: once each, in time, until cancelled."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.sandbox.ppg.desk import PushDesk
from services.sandbox.ppg.faults import PpgFaults
from services.sandbox.ppg.journal import PushJournal, read_push_journal
from services.sandbox.ppg.teller import Teller
from shared.clock import ManualClock
from shared.wire.pap.indication import CONTENT_TYPE, ServiceIndication, write_indication
from shared.wire.pap.messages import CancelMessage, MessageState, PushMessage, ResultNotification
from shared.wire.pap.multipart import Push
from tests.integration.dispatch.wap_rig import ScriptedPushAudience

NOON = datetime(2026, 11, 9, 4, 0, tzinfo=UTC)
ADDRESS = "WAPPUSH=+8613800138000/TYPE=PLMN@ppg.example.com"
PUSH = Push(
    PushMessage("1@v", (ADDRESS,), NOON + timedelta(hours=1), ppg_notify_requested_to="http://127.0.0.1:1/"),
    CONTENT_TYPE,
    write_indication(ServiceIndication("办", "http://wap.example.com/", "1@v")),
)


class NotingTeller(Teller):
    """Tells nobody, and remembers what."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[MessageState] = []

    def tell(self, url: str, notification: ResultNotification) -> None:
        self.told.append(notification.message_state)


class Counter:
    """A desk with everybody around it."""

    def __init__(self, journal: PushJournal) -> None:
        self.clock, self.audience, self.teller = ManualClock(NOON), ScriptedPushAudience(), NotingTeller()
        self.desk = PushDesk(self.audience, self.teller, journal=journal, clock=self.clock)

    async def react(self, until: int) -> None:
        """Pass on what was taken until so much has been told."""
        reacting = asyncio.create_task(self.desk.react())
        async with asyncio.timeout(10):
            while len(self.teller.told) < until:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)
        reacting.cancel()


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with closing(PushJournal(tmp_path / "pushes.jsonl")) as journal:
        yield Counter(journal)


async def test_a_push_is_shown_told_about_and_known_from_then_on(counter: Counter, tmp_path: Path) -> None:
    assert counter.desk.take(PUSH).code == 1001
    await counter.react(until=1)
    assert counter.desk.take(PUSH).code == 2007
    assert counter.teller.told == [MessageState.DELIVERED]
    assert [(number, shown.text) for number, shown in counter.audience.seen] == [("13800138000", "办")]
    assert [each.code for each in read_push_journal(tmp_path / "pushes.jsonl")] == [1001, 2007]


async def test_a_push_whose_time_passes_at_the_gateway_expires_and_one_that_comes_too_late_is_refused(
    counter: Counter,
) -> None:
    counter.desk.take(PUSH)
    counter.clock.advance(timedelta(hours=1))
    await counter.react(until=1)
    assert counter.teller.told == [MessageState.EXPIRED]
    assert counter.audience.seen == []
    late = replace(PUSH, message=replace(PUSH.message, push_id="2@v"))
    assert counter.desk.take(late).code == 2001


async def test_a_push_can_be_cancelled_until_it_is_shown(counter: Counter) -> None:
    counter.desk.take(PUSH)
    assert [result.code for result in counter.desk.cancel(CancelMessage("1@v")).results] == [1000]
    assert counter.teller.told == [MessageState.CANCELLED]
    assert [result.code for result in counter.desk.cancel(CancelMessage("1@v")).results] == [2008]
    assert [result.code for result in counter.desk.cancel(CancelMessage("9@v")).results] == [2004]
    other = replace(PUSH, message=replace(PUSH.message, push_id="2@v"))
    counter.desk.take(other)
    await counter.react(until=2)
    assert len(counter.audience.seen) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"addresses": (ADDRESS, ADDRESS)}, 3005),
        ({"addresses": ("WAPPUSH=x/TYPE=USER@ppg",)}, 2002),
    ],
)
async def test_what_the_gateway_does_not_serve_is_refused(
    counter: Counter, change: dict[str, tuple[str, ...]], code: int
) -> None:
    message = replace(PUSH.message, **change)  # type: ignore[arg-type]  # only addresses change
    assert counter.desk.take(replace(PUSH, message=message)).code == code


async def test_content_that_is_no_indication_is_refused(counter: Counter) -> None:
    assert counter.desk.take(replace(PUSH, content=b"<si/>")).code == 3006
    assert counter.desk.take(replace(PUSH, content_type="text/vnd.wap.sl")).code == 3006


async def test_each_so_manieth_reader_refuses(counter: Counter) -> None:
    counter.desk.set_faults(PpgFaults(opt_out_every=2))
    for n in range(1, 5):
        counter.desk.take(replace(PUSH, message=replace(PUSH.message, push_id=f"{n}@v")))
    await counter.react(until=4)
    assert counter.audience.refused == ["13800138000"] * 2
