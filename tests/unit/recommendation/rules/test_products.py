"""Products are read with their place on the ladder, and a catalogue speaks only of what is in it."""

import pytest

from services.recommendation.domain import Tier
from services.recommendation.engine.catalogue import read_catalogue, read_products
from shared.errors import InvalidInput
from tests.factories.recommendation import catalogue_csv, policy_row, product_row, products_csv, sample


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_products(text)
    assert refused.value.reason == "ERROR_REASON_POLICY_INVALID"
    return [f"{violation.field}: {violation.description}" for violation in refused.value.violations]


@pytest.mark.parametrize(
    ("barriers", "tier"),
    [
        ("", Tier.INSTANT),
        ("setup", Tier.TAUGHT),
        ("setup handset", Tier.HANDSET_BOUND),
        ("handset", Tier.HANDSET_BOUND),
        ("internet setup", Tier.INTERNET_BOUND),
    ],
)
def test_the_hardest_barrier_makes_the_tier(barriers: str, tier: Tier) -> None:
    assert read_products(products_csv([product_row("x", barriers=barriers)]))["x"].tier is tier


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"class": "cash"}, 'row 2, column class: "cash": expected one of revenue, growth, stickiness'),
        ({"barriers": "price"}, 'row 2, column barriers: "price": expected of setup handset internet'),
        ({"handset_needs": "mms"}, "row 2, column barriers: the product needs a handset that can do something"),
        ({"needs_internet": "yes"}, "row 2, column barriers: the product needs internet access"),
        ({"needs_internet": "perhaps"}, 'row 2, column needs_internet: "perhaps": expected yes or no'),
        ({"associated_products": "y"}, 'row 2, column associated_products: "y": expected other products of this'),
        ({"sms_order_keyword": "A", "sms_cancel_keyword": "A"}, 'row 2, column sms_cancel_keyword: "A" orders, too'),
    ],
)
def test_a_wrong_cell_is_named_with_what_was_expected(changes: dict[str, str], fault: str) -> None:
    (found,) = faults(products_csv([product_row("x", **changes)]))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"product": "mobile_newspapers"}, 'product "mobile_newspapers" is not in the catalogue: did you mean'),
        ({"prerequisites": "fax"}, 'prerequisite "fax" is not in the catalogue'),
        ({"exclusions": "nobody"}, 'exclusion "nobody" is not in the catalogue'),
    ],
)
def test_a_policy_that_speaks_of_what_is_not_there_is_refused(changes: dict[str, str], fault: str) -> None:
    products = products_csv([product_row("mobile_newspaper")])
    with pytest.raises(InvalidInput) as refused:
        read_catalogue(catalogue_csv([policy_row("paper", **changes)]), products)
    (violation,) = refused.value.violations
    assert violation.field == "policy paper"
    assert violation.description.startswith(fault)


def test_without_a_sheet_of_products_those_that_policies_name_stand_on_the_first_step() -> None:
    row = policy_row("paper", kind="combination", combined_products="mail", prerequisites="ring")
    products = read_catalogue(catalogue_csv([row]), "").products
    assert {code: product.tier for code, product in products.items()} == dict.fromkeys(
        ["mail", "mobile_newspaper", "ring"], Tier.INSTANT
    )


def test_the_sample_products_climb_the_whole_ladder() -> None:
    assert {code: product.tier for code, product in read_products(sample("products")).items()} == {
        "ring_back_tone": Tier.INSTANT,
        "mail_139": Tier.TAUGHT,
        "mobile_newspaper": Tier.HANDSET_BOUND,
        "mobile_internet": Tier.INTERNET_BOUND,
    }
