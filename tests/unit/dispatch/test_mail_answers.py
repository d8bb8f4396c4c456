"""What a mail server's answers mean, by where they are given."""

from datetime import timedelta

import pytest

from services.dispatch.channels.mail_answers import Meaning, Stage, lost, meaning_of, result_of
from services.dispatch.channels.mail_watch import MailWatch
from services.dispatch.channels.watch import Patience
from services.dispatch.ports import Message, Verdict
from shared.wire.mail.replies import MailReply
from tests.factories.dispatch import MORNING

MESSAGE = Message("7", "13800138000", "text", MORNING)


@pytest.mark.parametrize(
    ("stage", "code", "text", "meaning"),
    [
        (Stage.END, 250, "2.0.0 queued", Meaning.TAKEN),
        (Stage.END, 451, "4.3.0 busy", Meaning.BUSY),
        (Stage.END, 554, "5.6.0 content", Meaning.REFUSED),
        (Stage.END, 550, "5.7.1 looks like spam", Meaning.NOT_ALLOWED),
        (Stage.END, 354, "go on", Meaning.CONFUSED),
        (Stage.SENDER, 421, "4.3.2 closing", Meaning.BUSY),
        (Stage.SENDER, 451, "4.7.1 slow down", Meaning.BUSY),
        (Stage.SENDER, 553, "5.1.8 bad sender", Meaning.NOT_ALLOWED),
        (Stage.SENDER, 530, "5.7.0 log in first", Meaning.NOT_ALLOWED),
        (Stage.SENDER, 354, "go on", Meaning.CONFUSED),
        (Stage.RECIPIENT, 550, "5.1.1 no such user", Meaning.NO_SUCH_ADDRESS),
        (Stage.RECIPIENT, 550, "5.1.10 null MX", Meaning.NO_SUCH_ADDRESS),
        (Stage.RECIPIENT, 550, "no such user", Meaning.NO_SUCH_ADDRESS),
        (Stage.RECIPIENT, 552, "5.2.2 mailbox full", Meaning.WAITING),
        (Stage.RECIPIENT, 452, "4.2.2 mailbox full", Meaning.WAITING),
        (Stage.RECIPIENT, 450, "mailbox busy", Meaning.WAITING),
        (Stage.RECIPIENT, 450, "4.7.1 greylisted", Meaning.WAITING),
        (Stage.RECIPIENT, 451, "local error", Meaning.BUSY),
        (Stage.RECIPIENT, 452, "4.3.1 disk full", Meaning.BUSY),
        (Stage.RECIPIENT, 421, "4.2.1 closing", Meaning.BUSY),
        (Stage.RECIPIENT, 550, "5.7.1 blocked", Meaning.NOT_ALLOWED),
        (Stage.RECIPIENT, 550, "5.1.8 bad sender", Meaning.NOT_ALLOWED),
        (Stage.RECIPIENT, 550, "5.2.1 disabled", Meaning.NO_SUCH_ADDRESS),
        (Stage.DATA, 250, "what?", Meaning.CONFUSED),
        (Stage.DATA, 452, "4.3.1 disk full", Meaning.BUSY),
    ],
)
def test_an_answer_means_what_it_means_where_it_is_given(stage: Stage, code: int, text: str, meaning: Meaning) -> None:
    assert meaning_of(stage, MailReply.of(code, text)) is meaning


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("code", [200, 250, 251, 299, 300, 354, 400, 421, 450, 499, 500, 550, 599, 0, 999])
def test_only_an_answer_behind_the_end_takes_a_mail_or_leaves_it_unknown(stage: Stage, code: int) -> None:
    verdict = result_of(MESSAGE, stage, MailReply.of(code, "")).verdict
    assert (verdict is Verdict.SENT) == (stage is Stage.END and code // 100 == 2)
    assert verdict is not Verdict.INDETERMINATE or stage is Stage.END


@pytest.mark.parametrize("stage", Stage)
def test_a_line_that_is_lost_before_the_end_has_taken_nothing(stage: Stage) -> None:
    result = lost(MESSAGE, stage, "reset")
    assert result.verdict is (Verdict.INDETERMINATE if stage is Stage.END else Verdict.NOT_WRITTEN)


def test_a_full_mailbox_is_tried_three_times_after_longer_and_longer_rests() -> None:
    full = MailReply.of(452, "4.2.2 full")
    results = [result_of(Message("7", "13800138000", "", MORNING, attempt=n), Stage.RECIPIENT, full) for n in (1, 2, 3)]
    assert [result.verdict for result in results] == [Verdict.THROTTLED, Verdict.THROTTLED, Verdict.REJECTED_RECIPIENT]
    assert [result.again_after for result in results] == [timedelta(minutes=15), timedelta(hours=1), None]


def test_details_show_no_number() -> None:
    reply = MailReply.of(550, "5.1.1 <13800138000@139.com>: no such user")
    assert "138****8000@139.com" in result_of(MESSAGE, Stage.RECIPIENT, reply).detail


def test_a_watch_says_what_went_wrong_and_forgets_it() -> None:
    now = [0.0]
    watch = MailWatch(Patience(memory=60.0, answer=1.0), monotonic=lambda: now[0])
    for meaning in (Meaning.TAKEN, Meaning.BUSY, Meaning.REFUSED, *[Meaning.NO_SUCH_ADDRESS] * 3):
        watch.answered(meaning, after=2.0 if meaning is Meaning.TAKEN else 0.0)
    watch.answered(None, after=0.0)
    watch.line_lost("reset")
    for push_id in ("1", "2", "3", "3"):
        watch.bounced(push_id, "5.1.1")
    assert watch.problems() == [
        "in the last 1 minutes the mail gateway was too busy for 1 of 7 mails; they are sent later; "
        "the mail gateway left 1 of 7 mails unanswered; they may have left and are not sent again; "
        "the mail gateway was slow to answer 1 of 7 mails, by up to 2.0 s; the mail gateway refused 1 of 7 mails; "
        "the mail gateway did not know 3 of 7 addresses; 3 mails came back; 1 mail came back more than once; "
        "a line was lost 1 time, the last: reset"
    ]
    now[0] = 70.0
    assert watch.problems() == []
