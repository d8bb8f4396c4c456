"""What a gateway tells of pushes is stored before it is answered; what nobody can act on is answered, too."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.channels.wap_results import WapResults
from services.dispatch.channels.wap_wire import TERMS, Reports, WapAccount
from services.dispatch.channels.watch import GatewayWatch, Patience
from services.sandbox.ppg.teller import Teller
from shared.wire.pap import documents
from shared.wire.pap.client import PpgClient
from shared.wire.pap.endpoints import Endpoint
from shared.wire.pap.kannel import report_headers
from shared.wire.pap.messages import (
    BadMessageResponse,
    MessageState,
    PapMessage,
    PushResponse,
    ResultNotification,
    ResultNotificationResponse,
)
from tests.fakes.incoming import IncomingInMemory
from tests.integration.wire.waiting import eventually

ACCOUNT = WapAccount("a", Endpoint("http://127.0.0.1:1/"), gateway="ppg.example.com", initiator="v.example.com")
KANNEL = replace(ACCOUNT, reports=Reports.KANNEL, smsbox="box")
TOLD = ResultNotification(
    "7.p@v.example.com", "WAPPUSH=+8613800138000/TYPE=PLMN@ppg.example.com", MessageState.DELIVERED, 1000
)


@asynccontextmanager
async def listening(incoming: IncomingInMemory, account: WapAccount = ACCOUNT) -> AsyncIterator[WapResults]:
    async with WapResults(account, incoming, GatewayWatch(Patience(), TERMS)) as results:
        yield results


async def tell(url: str, octets: bytes) -> PapMessage:
    async with PpgClient(Endpoint(url)) as client:
        return documents.read((await client.post(documents.CONTENT_TYPE, octets).answer()).body)


async def test_what_cannot_be_stored_is_not_acknowledged_and_told_again() -> None:
    incoming = IncomingInMemory(refuse_first=2)
    async with listening(incoming) as results, Teller() as teller:
        teller.tell(results.url, TOLD)
        await eventually(lambda: len(incoming.receipts) == 1, within=10)
    assert incoming.refused == 2
    (receipt,) = incoming.receipts
    assert (receipt.account, receipt.gateway_message_id, receipt.msisdn) == ("a", TOLD.push_id, "13800138000")
    assert receipt.status == "DELIVRD"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (TOLD, 1000),
        (replace(TOLD, message_state=MessageState.PENDING), 1000),
        (replace(TOLD, push_id="7.p@somebody.example.com"), 2004),
        (replace(TOLD, address="WAPPUSH=x/TYPE=USER@ppg"), 2002),
    ],
)
async def test_each_notification_is_answered_with_its_push_and_a_code(told: ResultNotification, code: int) -> None:
    incoming = IncomingInMemory()
    async with listening(incoming) as results:
        answer = await tell(results.url, documents.write(told))
    assert isinstance(answer, ResultNotificationResponse)
    assert (answer.push_id, answer.address, answer.code) == (told.push_id, told.address, code)
    assert len(incoming.receipts) == (1 if told is TOLD else 0)


async def test_many_notifications_are_stored_together_and_each_acknowledged() -> None:
    incoming = IncomingInMemory()
    pushes = [replace(TOLD, push_id=f"{n}.p@v.example.com") for n in range(200)]
    async with listening(incoming) as results, PpgClient(Endpoint(results.url)) as client:
        postings = [client.post(documents.CONTENT_TYPE, documents.write(push)) for push in pushes]
        answers = await asyncio.gather(*(posting.answer() for posting in postings))
    assert {answer.status for answer in answers} == {202}
    assert {receipt.gateway_message_id for receipt in incoming.receipts} == {push.push_id for push in pushes}


async def test_what_is_no_notification_is_answered_as_a_bad_message() -> None:
    async with listening(IncomingInMemory()) as results:
        garbage = await tell(results.url, b"<pap>\xff")
        other = await tell(results.url, documents.write(PushResponse("7.p@v.example.com", 1001)))
    assert [message.code for message in (garbage, other) if isinstance(message, BadMessageResponse)] == [2000, 3001]


async def test_a_notification_without_end_is_refused() -> None:
    async with listening(IncomingInMemory()) as results, PpgClient(Endpoint(results.url)) as client:
        assert (await client.post(documents.CONTENT_TYPE, b"x" * 100_000).answer()).status == 413


@pytest.mark.parametrize(
    ("kind", "statuses"), [("1", ["DELIVRD"]), ("2", ["undeliverable"]), ("16", ["rejected"]), ("8", []), ("4", [])]
)
async def test_kannel_calls_back_and_only_ends_count(kind: str, statuses: list[str]) -> None:
    incoming = IncomingInMemory()
    async with listening(incoming, KANNEL) as results, aiohttp.ClientSession() as session:
        asked = report_headers(results.url, TOLD.push_id, smsbox="box")["X-Kannel-DLR-Url"]
        async with session.get(asked.replace("%d", kind).replace("%p", "+8613800138000")) as answer:
            assert answer.status == 200
    assert [(each.gateway_message_id, each.status) for each in incoming.receipts] == [
        (TOLD.push_id, status) for status in statuses
    ]


async def test_a_call_back_that_cannot_be_stored_or_read_is_not_acknowledged() -> None:
    incoming = IncomingInMemory(refuse_first=1)
    async with listening(incoming, KANNEL) as results, aiohttp.ClientSession() as session:
        asked = report_headers(results.url, TOLD.push_id, smsbox="box")["X-Kannel-DLR-Url"].replace("%d", "1")
        statuses = []
        for url in (asked.replace("%p", ""), asked.replace("%p", ""), f"{results.url}?type=1", f"{results.url}?pid=x"):
            async with session.get(url) as answer:
                statuses.append(answer.status)
    assert statuses == [503, 200, 400, 400]
    assert [each.msisdn for each in incoming.receipts] == [""], "the push-id says enough"


async def test_a_port_that_is_taken_is_told_and_taken_over_when_it_is_free() -> None:
    incoming = IncomingInMemory()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        account = replace(ACCOUNT, reports_port=taken.getsockname()[1])
        async with listening(incoming, account) as results:
            assert "cannot listen on 127.0.0.1" in results.trouble
            taken.close()
            await eventually(lambda: results.trouble == "", within=10)
            assert isinstance(await tell(results.url, documents.write(TOLD)), ResultNotificationResponse)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_are_answered(octets: bytes) -> None:
    async def run() -> None:
        async with listening(IncomingInMemory()) as results:
            assert isinstance(await tell(results.url, octets), BadMessageResponse)

    asyncio.run(run())
