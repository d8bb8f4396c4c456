"""What can be set about dispatch, and what is refused at the door of the process."""

import pytest
from pydantic import ValidationError

from services.dispatch.domain.plans import Channel
from services.dispatch.settings import ContactRuleSettings, MailSettings, WorkerSettings


@pytest.mark.parametrize(("channel", "told"), [("SMS", "hours of SMS"), ("CALL", "hours of calls")])
def test_hours_that_never_open_are_refused(monkeypatch: pytest.MonkeyPatch, channel: str, told: str) -> None:
    monkeypatch.setenv(f"VISAVIS_DISPATCH_HOURS_{channel}_OPEN", "22:00")
    with pytest.raises(ValidationError, match=told):
        ContactRuleSettings()


def test_no_contact_at_all_is_no_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cap of 0 would hold everybody for ever; whoever wants no contacts starts no plan."""
    monkeypatch.setenv("VISAVIS_DISPATCH_CAP_CONTACTS", "0")
    with pytest.raises(ValidationError, match="dispatch_cap_contacts"):
        ContactRuleSettings()


def test_an_empty_setting_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DISPATCH_CAP_CONTACTS", "")
    assert ContactRuleSettings().rules().cap == 2


def test_a_worker_serves_each_channel_once_and_only_those_that_carry_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DISPATCH_WORKER_CHANNELS", "sms  sms")
    assert WorkerSettings().channels == (Channel.SMS,)
    monkeypatch.setenv("VISAVIS_DISPATCH_WORKER_CHANNELS", "sms call")
    with pytest.raises(ValidationError, match="expected some of sms"):
        WorkerSettings()


def test_a_link_in_mails_is_https_unless_it_leads_to_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MailSettings().unsubscribe_url == "http://127.0.0.1:8092/unsubscribe"
    monkeypatch.setenv("VISAVIS_DISPATCH_MAIL_UNSUBSCRIBE_URL", "https://u.example.cn/u")
    assert MailSettings().unsubscribe_url == "https://u.example.cn/u"
    for wrong in ("http://u.example.cn/u", "https://u.example.cn/u?x=1", "ftp://u.example.cn/u"):
        monkeypatch.setenv("VISAVIS_DISPATCH_MAIL_UNSUBSCRIBE_URL", wrong)
        with pytest.raises(ValidationError, match=r"https|dispatch_mail_unsubscribe_url"):
            MailSettings()
