"""Pages are printed as text, whatever stands in it, and as wide as a file allows."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.console.render.output import Output, enum_word, local_time
from shared.errors import NotFound


def test_brackets_in_names_and_messages_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output.to(as_json=False)
    output.table("Plans [all]", ("name",), [("[red]Spring[/red]",)])
    output.facts("Facts [b]", {"a": "[link]"})
    output.failure(NotFound("plan [x]"))
    printed = capsys.readouterr()
    assert "Plans [all]" in printed.out
    assert "[red]Spring[/red]" in printed.out
    assert "[link]" in printed.out
    assert "plan [x] does not exist" in printed.err


def test_a_long_row_is_not_folded_to_a_terminals_width_where_there_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    Output.to(as_json=False).table("T", ("script",), [("x" * 150,)])
    assert "x" * 150 in capsys.readouterr().out


def test_a_column_with_nothing_in_it_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    Output.to(as_json=False).table("T", ("name", "notice", "count"), [("a", "", 0), ("b", "", 1234)])
    printed = capsys.readouterr().out
    assert "notice" not in printed
    assert "1,234" in printed
    assert "count" in printed


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Output.to(as_json=False).table("Plans", ("name",), [])
    assert capsys.readouterr().out == "Plans: none\n"


def test_json_mode_prints_pages_and_remarks_beside_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output.to(as_json=True)
    output.line("a page")
    assert output.value({"a": 1})
    printed = capsys.readouterr()
    assert printed.out == '{\n "a": 1\n}\n'
    assert printed.err == "a page\n"


def test_times_are_those_of_the_legal_zone() -> None:
    assert local_time(Timestamp(seconds=0)) == "1970-01-01 08:00"


def test_enum_names_are_words() -> None:
    assert enum_word("ZONE_NEW_SERVICE", "ZONE_") == "new service"
    assert enum_word("ZONE_UNSPECIFIED", "ZONE_") == ""
