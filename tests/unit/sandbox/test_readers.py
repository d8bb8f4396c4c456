"""What the simulated customers make of a mail: half of them read theirs, and these answer by their tastes."""

from services.sandbox.mail.audience import MailReaction
from services.sandbox.mail.mailbox import Mail
from services.sandbox.readers import TasteReaders
from services.sandbox.world.catalogue import Subject
from tests.factories.sandbox import oracle, secret
from tests.unit.sandbox.test_answers import BASE, TEXT, within_chance


def mail(msisdn: str, text: str = TEXT) -> Mail:
    return Mail("b@p", msisdn, "1.p@p", "r@p", "广告：手机报", text, "https://u.example.com/u?t=1", b"")


async def reactions(text: str = TEXT) -> list[MailReaction]:
    readers = TasteReaders(oracle(BASE))
    return [await readers.receive(mail(str(number), text)) for number in secret(BASE).msisdn]


async def test_half_as_many_as_by_sms_order_by_answering_and_refuse_by_one_click() -> None:
    found, tastes = await reactions(), secret(BASE).tastes
    assert {reaction.answer for reaction in found} == {"DZB", ""}
    answers = sum(reaction.answer == "DZB" for reaction in found)
    refusals = sum(reaction.unsubscribes for reaction in found)
    assert within_chance(answers, 0.98 * 0.5 * tastes.yes_by_sms[Subject.MOBILE_NEWSPAPER])
    assert within_chance(refusals, 0.98 * 0.5 * tastes.opts_out)
    assert max(reaction.after for reaction in found) <= 2.0


async def test_what_nobody_has_a_mailbox_for_comes_back_and_is_not_answered() -> None:
    found = await reactions()
    back = [reaction for reaction in found if reaction.bounce]
    assert 0.015 < len(back) / BASE < 0.025
    assert not any(reaction.answer or reaction.unsubscribes for reaction in back)
    assert (await TasteReaders(oracle()).receive(mail("19900000000"))).bounce == "5.1.1"


async def test_a_mail_that_asks_nothing_is_read_in_silence() -> None:
    assert not any(reaction.answer or reaction.unsubscribes for reaction in await reactions("春节快乐"))
