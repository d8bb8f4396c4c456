"""What a mapping can say besides headings and words, and each slip in it told at its place."""

from collections.abc import Mapping

import pytest

from services.profile.domain.mapping import Limits, heading_violations, read_mapping, sound_mapping
from services.profile.domain.mapping.columns import units_of
from services.profile.domain.source_tables import SOURCE_TABLES
from tests.factories.profile import mapping_text

HEAD = """
[tables.traffic]
file = ["a_*.csv.gz", "b.csv"]
encoding = "GBK"
delimiter = "||"
month_format = ["%Y%m", "%Y-%m"]
nothing = ["NA"]
[tables.traffic.columns]
customer_id = "用户"
[tables.traffic.units]
minutes = "seconds"
unit_price = "fen"
[tables.traffic.defaults]
month = "2026-10"
vpmn_minutes = 0
[tables.traffic.expressions]
minutes = '''"主叫" + "被叫"'''
[tables.traffic.limits]
most_rejected = 0.5
"""


def slips(old: str, new: str) -> Mapping[str, str]:
    assert old in HEAD
    found = read_mapping(HEAD.replace(old, new), is_partial=True).violations
    return {violation.field.removeprefix("tables.traffic."): violation.description for violation in found}


def test_all_of_the_language_is_understood() -> None:
    (mapping,) = sound_mapping("[limits]\nleast_of_last = 0.9" + HEAD, is_partial=True)
    assert mapping.files == ("a_*.csv.gz", "b.csv")
    assert (mapping.encoding, mapping.delimiter, mapping.nothing) == ("gbk", "||", ("NA",))
    assert mapping.month_formats == ("%Y%m", "%Y-%m")
    assert mapping.headings() == ("用户", "主叫", "被叫")
    assert (mapping.unit("minutes"), mapping.unit("unit_price"), mapping.unit("local_minutes")) == (
        "seconds",
        "fen",
        "",
    )
    assert mapping.defaults == {"month": "2026-10", "vpmn_minutes": "0"}
    assert mapping.limits == Limits(most_rejected=0.5, least_of_last=0.9)


@pytest.mark.parametrize(
    ("old", "new", "field", "description"),
    [
        ('"b.csv"', '"b.parquet"', "file", "expected files of one format"),
        ('"b.csv"', '"b.xls"', "file", "expected a name that ends in .csv"),
        ('"b.csv"', '"/b.csv"', "file", "inside the folder of extracts"),
        ('"b.csv"', "7", "file", "expected a text or a list of texts"),
        ('["a_*.csv.gz", "b.csv"]', "[]", "file", "expected a text or a list of texts, found []"),
        ('"GBK"', '"latin1"', "encoding", "expected one of utf-8, gbk, gb18030"),
        ('"||"', '"x"', "delimiter", "no letters, digits"),
        ('["%Y%m", "%Y-%m"]', '["%Y%m", "%Y"]', "month_format", "expected %Y, %m once each"),
        ('["NA"]', "[1]", "nothing", "expected a text or a list of texts"),
        ('"seconds"', '"days"', "units.minutes", "expected one of minutes, seconds, hours, found 'days'"),
        ('unit_price = "fen"', 'dropped_calls = "fen"', "units.dropped_calls", "this column has no unit"),
        ('"2026-10"', '"202610"', "defaults.month", "expected a month like 2026-11"),
        ("vpmn_minutes = 0", "vpmn_minutes = -1", "defaults.vpmn_minutes", "at most 2 digits"),
        ("vpmn_minutes = 0", "vpmn_minuts = 0", "defaults.vpmn_minuts", "did you mean vpmn_minutes?"),
        ("minutes = '''", "customer_id = '''", "expressions.customer_id", "is among the columns too"),
        ("minutes = '''", "customer_id = '''", "columns.minutes", "every row needs it"),
        ('"主叫" + ', "(SELECT 1) + ", "expressions.minutes", "is not understood"),
        ("most_rejected = 0.5", "most_rejected = 5", "limits.most_rejected", "expected a share from 0 to 1, found 5"),
        ("most_rejected = 0.5", "most_reject = 0.5", "limits.most_reject", "did you mean most_rejected?"),
    ],
)
def test_each_slip_is_told_at_its_place(old: str, new: str, field: str, description: str) -> None:
    assert description in slips(old, new)[field]


def test_money_needs_a_unit_unless_each_column_has_its_own() -> None:
    text = mapping_text().replace('money_unit = "yuan"', "")
    assert "tables.billing.money_unit" in {violation.field for violation in read_mapping(text).violations}
    columns = [
        column.name
        for table in SOURCE_TABLES
        if table.name == "billing"
        for column in table.columns
        if "yuan" in units_of(column)
    ]
    units = "[tables.billing.units]\n" + "\n".join(f'{name} = "fen"' for name in columns)
    assert "tables.billing.money_unit" not in {
        violation.field for violation in read_mapping(text + "\n" + units).violations
    }


def test_headings_that_expressions_name_are_compared_too() -> None:
    (mapping,) = sound_mapping(HEAD, is_partial=True)
    (found,) = heading_violations(mapping, "a_1.csv.gz", ["用户", "主叫", "被叫分钟"])
    assert (found.field, found.description) == (
        "tables.traffic.expressions.minutes",
        "a_1.csv.gz has no heading '被叫'; did you mean 被叫分钟?",
    )


def test_a_partial_mapping_may_leave_out_customers_but_not_everything() -> None:
    assert not read_mapping(HEAD, is_partial=True).violations
    assert [violation.field for violation in read_mapping(HEAD).violations] == ["tables.customers"]
    assert [violation.field for violation in read_mapping("", is_partial=True).violations] == ["tables"]
