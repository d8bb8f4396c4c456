"""What a planner says about a customer becomes the row that a matrix meets, or an answer that names every mistake."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.engine.feel import FieldType, Value
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.matrix import Computed, DecisionTable, Parameter
from services.recommendation.engine.rulebook import read_matrix
from services.recommendation.engine.trial_row import read_trial_row
from shared.errors import InvalidInput
from tests.factories.recommendation import matrix_csv

DAY = date(2026, 11, 9)


def table(purpose: str = "voice_usage") -> DecisionTable:
    fields = matrix_fields()
    read = read_matrix(matrix_csv(purpose, "FIRST", ["arpu", "=> policy"], [["-", "p"]]), fields=fields)
    expression, result = read_expression("arpu * 12", fields)
    return replace(
        read,
        parameters=(Parameter("threshold", FieldType.decimal(9, 2), Decimal(100)),),
        computed=(Computed("a_year", result, "arpu * 12", expression),),
    )


def row(given: dict[str, str], of: DecisionTable | None = None) -> dict[str, Value]:
    return dict(read_trial_row(of or table(), given, fields=matrix_fields(), day=DAY))


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("arpu", "86.50", Decimal("86.50")),
        ("arpu", "null", None),
        ("arpu", "", None),
        ("brand", "GoTone", "GoTone"),
        ("brand", ' "GoTone" ', "GoTone"),
        ("plan", '"null"', "null"),
        ("warned", "true", True),
        ("contract_ends_on", "2026-12-31", date(2026, 12, 31)),
        ("contract_ends_on", 'date("2026-12-31")', date(2026, 12, 31)),
        ("contract_ends_on", '@"2026-12-31"', date(2026, 12, 31)),
        ("day", "2026-01-31", date(2026, 1, 31)),
    ],
)
def test_values_are_literals_and_texts_and_dates_may_stand_bare(name: str, text: str, value: Value) -> None:
    assert row({name: text})[name] == value


def test_what_is_not_said_is_null_but_the_day() -> None:
    found = row({"arpu": "1"})
    assert found["day"] == DAY
    assert found.keys() == matrix_fields().keys()
    assert {name for name, value in found.items() if value is not None} == {"arpu", "day"}


def test_chinese_titles_are_names_and_products_belong_to_the_matrix_of_new_services() -> None:
    title = matrix_fields()["arpu"].title
    assert title
    assert row({title: "3"})["arpu"] == 3
    assert row({"need_level": "rigid"}, table("new_service"))["need_level"] == "rigid"
    with pytest.raises(InvalidInput):
        row({"need_level": "rigid"})


def test_every_mistake_is_named_with_the_nearest_name_or_what_was_expected() -> None:
    with pytest.raises(InvalidInput) as refused:
        row(
            {
                "arpuu": "1",
                "threshold": "90",
                "a_year": "1000",
                "arpu": "86.505",
                "value_tier": "highh",
                "warned": "yes",
                "contract_ends_on": "2026-02-30",
            }
        )
    assert [(each.field, each.description) for each in refused.value.violations][:6] == [
        ("input arpuu", 'no input is called "arpuu": did you mean "arpu"?'),
        ("input threshold", "threshold is a parameter of the matrix: give the city, whose value it takes"),
        ("input a_year", 'a_year is computed: give what it is computed of, "arpu * 12"'),
        ("input arpu", "86.505: the column holds at most 2 decimals, and 86.505 has 3"),
        ("input value_tier", 'highh: "highh" is not one of high, mid_high, mid, low: did you mean "high"?'),
        ("input warned", "yes: expected a boolean, such as true or false"),
    ]
    assert "2026-02-30 is no day of the calendar" in refused.value.violations[-1].description
