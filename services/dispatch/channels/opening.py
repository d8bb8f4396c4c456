"""Opens the channels that a worker serves, each with the account that the settings have."""

from contextlib import AsyncExitStack
from typing import Protocol

from services.dispatch.channels.account import account_of
from services.dispatch.channels.mail_account import mail_account_of
from services.dispatch.channels.mail_doors import open_mail
from services.dispatch.channels.sms import SmsChannel
from services.dispatch.channels.wap import WapChannel
from services.dispatch.channels.wap_account import wap_account_of
from services.dispatch.domain.plans import Channel
from services.dispatch.ports import IncomingMessages, Line, Refusals
from services.dispatch.settings import MailSettings, SmsSettings, WapSettings
from shared.clock import Clock


class Incoming(IncomingMessages, Refusals, Protocol):
    """Takes whatever comes back, by any channel."""


async def open_line(channel: Channel, incoming: Incoming, *, clock: Clock, closing: AsyncExitStack) -> Line:
    """Open one channel for messages until `closing` ends. Raises ValueError for a channel that carries none."""
    match channel:
        case Channel.SMS:
            sms = account_of(SmsSettings())
            gateway = await closing.enter_async_context(SmsChannel(sms, incoming, clock=clock))
            return Line(channel, gateway, sms.name, batch=_batch(sms.rate))
        case Channel.WAP_PUSH:
            wap = wap_account_of(WapSettings())
            pushing = await closing.enter_async_context(WapChannel(wap, incoming, clock=clock))
            return Line(channel, pushing, wap.name, recalling=pushing, batch=_batch(wap.rate))
        case Channel.MAIL_139:
            mail = mail_account_of(MailSettings())
            mailing = await closing.enter_async_context(open_mail(mail, incoming, incoming, clock=clock))
            return Line(channel, mailing, mail.name, batch=_batch(mail.rate))
        case Channel.CALL | Channel.DESK:
            raise ValueError(f"{channel} carries no messages")


def _batch(rate: float) -> int:
    """Return how many messages to claim together: a batch costs four transactions, and an opt-out waits while one is written.
    What leaves within a quarter of a second is not long to wait for."""
    return max(64, min(256, int(rate / 4)))
