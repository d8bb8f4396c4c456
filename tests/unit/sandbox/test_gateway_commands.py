"""The gateway's misbehaviour is ordered in words, and its inbox shows no number."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.sandbox.__main__ import app
from services.sandbox.faults import MAIL_ORDERS, SMS_ORDERS, WAP_ORDERS, FaultsFile
from services.sandbox.gateway.faults import Faults
from services.sandbox.gateway.journal import Journal, Received
from services.sandbox.mail.faults import MailFaults
from services.sandbox.mail.journal import MailJournal, ReceivedMail
from services.sandbox.ppg.faults import PpgFaults
from services.sandbox.ppg.journal import PushJournal, ReceivedPush
from shared.errors import InvalidInput

RUNNER = CliRunner()
TIME = "2026-11-09T02:00:00+00:00"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    return tmp_path


def test_words_become_faults() -> None:
    words = ["throttle_first=30", "answer_twice=true", "pass_on_after=1.5", "unknown_numbers=13800000001,13800000002"]
    numbers = frozenset({"13800000001", "13800000002"})
    assert SMS_ORDERS.parse(words) == Faults(
        throttle_first=30, answer_twice=True, pass_on_after=1.5, unknown_numbers=numbers
    )


@pytest.mark.parametrize("word", ["throttle=3", "throttle_first", "throttle_first=many"])
def test_a_word_that_is_no_fault_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match="throttle"):
        SMS_ORDERS.parse(["answer_twice=true", word])


async def test_a_running_gateway_is_told_once_of_each_change(home: Path) -> None:
    told: list[Faults] = []
    file = FaultsFile(home / "sandbox" / "faults.json", SMS_ORDERS, told.append)
    await file.round()
    assert RUNNER.invoke(app, ["misbehave", "cut_at=5", "cut_mid_frame=true"]).exit_code == 0
    await file.round()
    await file.round()
    assert RUNNER.invoke(app, ["misbehave"]).exit_code == 0
    await file.round()
    assert told == [Faults(cut_at=5, cut_mid_frame=True), Faults()]


async def test_each_gateway_has_faults_of_its_own(home: Path) -> None:
    told: list[PpgFaults] = []
    file = FaultsFile(home / "sandbox" / "faults-wap.json", WAP_ORDERS, told.append)
    assert RUNNER.invoke(app, ["misbehave", "--gateway", "wap", "garble_first=3"]).exit_code == 0
    await file.round()
    assert told == [PpgFaults(garble_first=3)]
    mails: list[MailFaults] = []
    assert RUNNER.invoke(app, ["misbehave", "--gateway", "mail", "bounce_every=3"]).exit_code == 0
    await FaultsFile(home / "sandbox" / "faults-mail.json", MAIL_ORDERS, mails.append).round()
    assert mails == [MailFaults(bounce_every=3)]
    refused = RUNNER.invoke(app, ["misbehave", "--gateway", "wap", "cut_mid_frame=true"])
    assert "cut_mid_answer" in refused.stderr


async def test_a_file_that_cannot_be_read_changes_nothing_and_is_told_once(home: Path) -> None:
    path = home / "faults.json"
    told: list[Faults] = []
    file = FaultsFile(path, SMS_ORDERS, told.append)
    for text in ("{", '{"throttle": 3}'):
        path.write_text(text)
        with pytest.raises(InvalidInput, match=r"faults\.json"):
            SMS_ORDERS.read(path)
    with pytest.raises(InvalidInput):
        await file.round()
    await file.round()
    assert told == []


def test_the_inbox_shows_what_came_without_a_number(home: Path) -> None:
    journal = Journal(home / "sandbox" / "gateway.jsonl")
    short = Received("2026-11-09T02:00:00+00:00", "901234", "0" * 16, "13800000001", "10658899", "你好", 0)
    long = Received(**{**asdict(short), "dest": "13900000002", "part": 2, "parts": 3, "version": "3.0", "result": 8})
    for received in (short, long, Received(**{**asdict(short), "result": 99, "content": "给13700000003打电话"})):
        journal.append(received)
    journal.close()
    shown = RUNNER.invoke(app, ["inbox"]).stdout
    assert shown.splitlines() == [
        "2026-11-09 10:00:00  138****0001  CMPP 2.0  taken  你好",
        "2026-11-09 10:00:00  139****0002  CMPP 3.0  too busy 2/3  你好",
        "2026-11-09 10:00:00  138****0001  CMPP 2.0  refused (99)  给137****0003打电话",
    ]
    found = json.loads(RUNNER.invoke(app, ["inbox", "--json", "--last", "1", "--number", "0002"]).stdout)
    assert [(each["dest"], each["part"]) for each in found] == [("139****0002", 2)]


def test_the_inbox_of_the_push_gateway_shows_pushes_and_what_was_taken_back(home: Path) -> None:
    with closing(PushJournal(home / "sandbox" / "pushes.jsonl")) as journal:
        for code in (1001, 2003, 3006):
            journal.append(ReceivedPush(TIME, "1.p@v", "13800000001", code, "你好", "http://wap.example.com/a"))
        for code in (1000, 2008):
            journal.append(ReceivedPush(TIME, "1.p@v", "13800000001", code, is_cancel=True))
    assert RUNNER.invoke(app, ["inbox", "--gateway", "wap"]).stdout.splitlines() == [
        "2026-11-09 10:00:00  138****0001  PAP 2.0  taken  你好 http://wap.example.com/a",
        "2026-11-09 10:00:00  138****0001  PAP 2.0  number not served  你好 http://wap.example.com/a",
        "2026-11-09 10:00:00  138****0001  PAP 2.0  refused (3006)  你好 http://wap.example.com/a",
        "2026-11-09 10:00:00  138****0001  PAP 2.0  taken back  1.p@v",
        "2026-11-09 10:00:00  138****0001  PAP 2.0  not taken back (2008)  1.p@v",
    ]


def test_the_inbox_of_the_mail_gateway_shows_subjects_and_first_lines(home: Path) -> None:
    with closing(MailJournal(home / "sandbox" / "mails.jsonl")) as journal:
        journal.append(
            ReceivedMail(TIME, "b+1.x=13800000001=139.com@p", "13800000001", 250, "1.p@v", "广告：好", "你好\n\n退订")
        )
        for code in (451, 452, 550, 554):
            journal.append(ReceivedMail(TIME, "", "13800000001", code))
    assert RUNNER.invoke(app, ["inbox", "--gateway", "mail"]).stdout.splitlines() == [
        "2026-11-09 10:00:00  138****0001  SMTP  taken  广告：好  你好",
        "2026-11-09 10:00:00  138****0001  SMTP  too busy",
        "2026-11-09 10:00:00  138****0001  SMTP  mailbox full",
        "2026-11-09 10:00:00  138****0001  SMTP  no such mailbox",
        "2026-11-09 10:00:00  138****0001  SMTP  refused (554)",
    ]
    assert "13800000001" not in RUNNER.invoke(app, ["inbox", "--gateway", "mail", "--json"]).stdout


def test_an_inbox_that_is_not_there_is_said_in_a_line(home: Path) -> None:
    result = RUNNER.invoke(app, ["inbox"])
    assert result.exit_code == 2
    assert "visavis sandbox serve" in result.stderr
