"""Mapping files: everything wrong with one is told at once, each at its place."""

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.formats import DATE_PARTS, MONTH_PARTS, example, format_fault
from services.profile.domain.mapping import MAPPING_INVALID, heading_violations, read_mapping, sound_mapping
from services.profile.domain.source_tables import BILLING, CUSTOMERS, SOURCE_TABLES
from shared.errors import InvalidInput
from tests.factories.profile import heading, mapping_of, mapping_text

Edit = Callable[[str], str]


def replacing(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def violations_after(*edits: Edit) -> Mapping[str, str]:
    text = mapping_text()
    for edit in edits:
        text = edit(text)
    return {violation.field: violation.description for violation in read_mapping(text).violations}


def test_a_sound_mapping_gives_all_tables_in_the_order_of_taking_in() -> None:
    tables = sound_mapping(mapping_text())
    assert [mapping.table for mapping in tables] == list(SOURCE_TABLES)
    assert tables[0].heading("msisdn") == heading("msisdn")
    assert tables[0].values["sex"] == {"男": "male", "女": "female"}


@pytest.mark.parametrize(
    ("edit", "field", "description"),
    [
        (
            replacing("[tables.billing]", "[tables.biling]"),
            "tables.biling",
            "there is no such table; did you mean billing?",
        ),
        (replacing('file = "traffic.csv"', ""), "tables.traffic.file", "is missing"),
        (replacing('"traffic.csv"', "7"), "tables.traffic.file", "expected a text or a list of texts, found 7"),
        (
            replacing('"traffic.csv"', '"../traffic.csv"'),
            "tables.traffic.file",
            "expected a file inside the folder of extracts, found '../traffic.csv'",
        ),
        (
            replacing("file =", 'fiel ="x"\nfile ='),
            "tables.customers.fiel",
            "there is no such option; did you mean file?",
        ),
        (
            replacing("revenue_total =", "revenue_totl ="),
            "tables.billing.columns.revenue_total",
            "is missing; every row needs it",
        ),
        (
            replacing("revenue_total =", "revenue_totl ="),
            "tables.billing.columns.revenue_totl",
            "there is no such column in billing; did you mean revenue_total?",
        ),
        (replacing('"女" = "female"', '"女" = "femal"'), "tables.customers.values.sex.女", "did you mean female?"),
        (
            replacing('.red_list]\n"是" = "true"', '.red_list]\n"是" = ""'),
            "tables.customers.values.red_list.是",
            "this column is never empty",
        ),
        (
            replacing("[tables.customers.values.sex]", "[tables.customers.values.balance]"),
            "tables.customers.values.balance.男",
            "words of this column can only stand for nothing, found 'male'",
        ),
        (
            replacing("[tables.traffic]", '[tables.traffic]\nencoding = "gb18003"'),
            "tables.traffic.encoding",
            "found 'gb18003'; did you mean gb18030?",
        ),
        (
            replacing("[tables.traffic]", '[tables.traffic]\ndelimiter = "\\n"'),
            "tables.traffic.delimiter",
            "no letters, digits, quotation marks or line breaks",
        ),
        (
            replacing("[tables.traffic]", '[tables.traffic]\nmonth_format = "%m"'),
            "tables.traffic.month_format",
            "expected %Y, %m",
        ),
        (replacing('money_unit = "yuan"', 'money_unit = "jiao"'), "tables.customers.money_unit", "found 'jiao'"),
        (replacing('money_unit = "yuan"', ""), "tables.customers.money_unit", 'expected "yuan" or "fen"'),
        (replacing("[tables.customers]", "[tables\n[tables.customers]"), "mapping", "expected TOML"),
        (lambda _: "tables = 3", "tables", "expected a table, found 3"),
        (lambda _: "", "tables.customers", "is missing; customer views need this table"),
    ],
)
def test_each_slip_is_told_at_its_place(edit: Edit, field: str, description: str) -> None:
    assert description in violations_after(edit)[field]


def test_a_word_may_stand_for_nothing_where_a_cell_may_be_empty() -> None:
    assert not violations_after(
        replacing('.handset_gprs]\n"是" = "true"', '.handset_gprs]\n"是" = "true"\n"不详" = ""')
    )


def test_all_slips_are_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        sound_mapping(mapping_text().replace("money_unit", "money").replace('"男"', '"男" = "man"\n"M"', 1))
    assert caught.value.reason == MAPPING_INVALID
    assert [violation.field for violation in caught.value.violations] == [
        "tables.billing.money",
        "tables.billing.money_unit",
        "tables.customers.money",
        "tables.customers.money_unit",
        "tables.customers.values.sex.男",
    ]


def test_headings_are_compared_with_the_first_line_of_the_file() -> None:
    mapping = mapping_of(BILLING)
    headings = [heading(column.name) for column in BILLING.columns if column.name != "arrears"]
    found = heading_violations(mapping, "billing.csv", [*headings, heading("month"), "列 arear"])
    assert {violation.field: violation.description for violation in found} == {
        "tables.billing.columns.month": "billing.csv has the heading '列 month' 2 times; expected it once",
        "tables.billing.columns.arrears": "billing.csv has no heading '列 arrears'; did you mean 列 arear?",
    }


@given(
    dropped=st.sets(st.sampled_from(CUSTOMERS.columns)),
    stray=st.sets(st.sampled_from(["msisdm", "zzz", "列"])),
)
def test_exactly_the_missing_required_and_the_unknown_columns_are_told(dropped: set[object], stray: set[str]) -> None:
    lines = [f'{column.name} = "{heading(column.name)}"' for column in CUSTOMERS.columns if column not in dropped]
    lines += [f'"{name}" = "x"' for name in sorted(stray)]
    text = '[tables.customers]\nfile = "customers.csv"\nmoney_unit = "fen"\n[tables.customers.columns]\n' + "\n".join(
        lines
    )
    assert tomllib.loads(text)
    told = {v.field for v in read_mapping(text).violations if v.field.startswith("tables.customers.")}
    missing = {column.name for column in CUSTOMERS.columns if column in dropped and not column.optional}
    assert told == {f"tables.customers.columns.{name}" for name in missing | stray}


@given(st.text(st.sampled_from("%Ymd-/. 年月日q"), max_size=12))
def test_a_format_is_taken_only_if_days_survive_it(text: str) -> None:
    if not format_fault(text, DATE_PARTS):
        assert datetime.strptime(example(text), text).strftime("%Y-%m-%d") == "2026-09-14"  # noqa: DTZ007 - a day has no zone
    if not format_fault(text, MONTH_PARTS):
        assert datetime.strptime(example(text), text).strftime("%Y-%m") == "2026-09"  # noqa: DTZ007 - a day has no zone


def test_the_usual_formats_are_taken() -> None:
    assert [format_fault(text, DATE_PARTS) for text in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y年%m月%d日")] == [""] * 4
    assert [format_fault(text, MONTH_PARTS) for text in ("%Y%m", "%Y-%m")] == [""] * 2
