"""The yardsticks of the pushes: bare clients of each gateway's protocol, with messages made beforehand and no database."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

import aiohttp
from aiosmtplib import SMTP

from services.dispatch.channels.mail_account import mail_account_of
from services.dispatch.channels.mail_letters import Envelope, envelope_of
from services.dispatch.channels.wap_account import wap_account_of
from services.dispatch.channels.wap_wire import Written, to_push
from services.dispatch.ports import Message
from services.dispatch.settings import MailSettings, WapSettings
from services.sandbox.ppg.server import PATH
from services.sandbox.settings import SandboxSettings
from shared.clock import Clock

TEXT = "手机报免费看一个月，点击订购。"
PAGE = "http://wap.example.com/offers/bench"


async def wap_pushes(gateway: SandboxSettings, count: int, clock: Clock) -> float:
    """POST so many pushes to the simulated gateway, as many at a time as the channel's window has; return pushes a second."""
    account, url = wap_account_of(WapSettings()), f"http://127.0.0.1:{gateway.sandbox_ppg_port}{PATH}"
    pushes = iter([to_push(each, account, created=clock.now(), reports_url="") for each in _messages(count, clock)])
    login = aiohttp.BasicAuth(account.endpoint.username, account.endpoint.password, encoding="utf-8")
    async with aiohttp.ClientSession(auth=login, connector=aiohttp.TCPConnector(limit=0)) as session:
        begun = time.perf_counter()
        await asyncio.gather(*(_post(session, url, pushes) for _ in range(account.window)))
        return count / (time.perf_counter() - begun)


async def _post(session: aiohttp.ClientSession, url: str, pushes: Iterator[Written]) -> None:
    for push in pushes:
        async with session.post(url, data=push.body, headers={"Content-Type": push.content_type}) as answer:
            await answer.read()


async def mails(count: int, clock: Clock) -> float:
    """Send so many mails over as many connections as the channel has; return mails a second."""
    account = mail_account_of(MailSettings())
    letters = iter([envelope_of(each, account, now=clock.now()) for each in _messages(count, clock)])
    lines = [SMTP(hostname=account.host, port=account.port) for _ in range(account.connections)]
    await asyncio.gather(*(line.connect() for line in lines))
    begun = time.perf_counter()
    await asyncio.gather(*(_send(line, letters) for line in lines))
    rate = count / (time.perf_counter() - begun)
    await asyncio.gather(*(line.quit() for line in lines))
    return rate


async def _send(line: SMTP, letters: Iterator[Envelope]) -> None:
    for letter in letters:
        await line.sendmail(letter.sender, [letter.recipient], letter.content)


def _messages(count: int, clock: Clock) -> Sequence[Message]:
    plan, tomorrow = str(uuid4()), clock.now() + timedelta(days=1)
    return [
        Message(
            push_id=str(10**12 + n),
            msisdn=f"1990000{n:04}",
            text=TEXT,
            not_after=tomorrow,
            title="手机报免费体验",
            href=PAGE,
            plan_id=plan,
            attempt=1,
            offer_ends=tomorrow,
        )
        for n in range(count)
    ]
