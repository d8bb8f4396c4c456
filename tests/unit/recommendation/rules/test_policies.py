"""A catalogue is read whole or refused with all that is wrong with it."""

import pytest

from services.recommendation.domain import Ability, PolicyKind, Zone
from services.recommendation.engine.catalogue import read_policies
from shared.errors import InvalidInput
from tests.factories.recommendation import catalogue_csv, policy_row, retention_row, sample, voice_row

SIGNATURE, OPT_OUT, ONE_SMS = "【中国移动】", "拒收请回复TD", 70


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_policies(text)
    assert refused.value.reason == "ERROR_REASON_POLICY_INVALID"
    return [f"{violation.field}: {violation.description}" for violation in refused.value.violations]


def test_a_line_becomes_a_policy() -> None:
    policy = read_policies(catalogue_csv([policy_row("paper", handset_needs="mms  gprs")]))["paper"]
    assert (policy.zone, policy.margin_fen, policy.product) == (Zone.NEW_SERVICE, 1000, "mobile_newspaper")
    assert policy.handset_needs == (Ability.GPRS, Ability.MMS)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"policy": "Paper"}, 'row 2, column policy: "Paper": expected a code of small letters, digits and - . _'),
        ({"display_name": ""}, 'row 2, column display_name: "": expected a name'),
        ({"zone": "voice"}, 'row 2, column zone: "voice": expected one of retention, new_service, voice_usage'),
        (
            {"policy_group": "g"},
            'row 2, column policy_group: "g": expected a group in zone retention, nothing elsewhere',
        ),
        ({"product": ""}, 'row 2, column product: "": expected a product in zone new_service, nothing elsewhere'),
        ({"margin_fen": "-1"}, 'row 2, column margin_fen: "-1": expected whole fen, not negative'),
        ({"margin_fen": "12.5"}, 'row 2, column margin_fen: "12.5": expected whole fen, not negative'),
        ({"valid_from": "2026-02-30"}, 'row 2, column valid_from: "2026-02-30": expected a day as 2026-11-01'),
        ({"valid_until": "2026-11-01"}, 'row 2, column valid_until: "2026-11-01": expected a day after valid_from'),
        ({"handset_needs": "gps"}, 'row 2, column handset_needs: "gps": expected of gprs wap mms, separated by spaces'),
        ({"order_keyword": "TD"}, 'row 2, column order_keyword: "TD": expected at most 10 capital letters'),
        ({"sms_text": "no word"}, "row 2, column sms_text: expected {keyword} where the customer reads DZB"),
        ({"sms_text": "{keyword} {name}"}, 'row 2, column sms_text: "{name}": the only placeholder is {keyword}'),
        (
            {"kind": "gift"},
            'row 2, column kind: "gift": expected one of prepaid_contract, recontract, plan, order, trial',
        ),
        ({"kind": "recontract"}, 'row 2, column kind: "recontract": expected a kind of zone new_service'),
        ({"kind": "combination"}, 'row 2, column kind: "combination": expected further products in the column'),
        ({"combined_products": "x"}, 'row 2, column combined_products: "x": expected nothing, as only a combination'),
        ({"exclusions": "paper"}, 'row 2, column exclusions: "paper" excludes itself: expected other policies'),
        ({"cost_fen": "-2"}, 'row 2, column cost_fen: "-2": expected whole fen, not negative'),
        ({"revenue_change_fen": "1.5"}, 'row 2, column revenue_change_fen: "1.5": expected whole fen, negative where'),
        (
            {"page_url": "ftp://x.example/a"},
            'row 2, column page_url: "ftp://x.example/a": expected an address as https',
        ),
        (
            {"page_url": "https://x.example/a b"},
            'row 2, column page_url: "https://x.example/a b": expected an address as',
        ),
        ({"order_keyword": ""}, "row 2, column order_keyword: the SMS text asks for a keyword, but there is none"),
    ],
)
def test_a_wrong_cell_is_named_with_what_was_expected(changes: dict[str, str], fault: str) -> None:
    (found,) = faults(catalogue_csv([{**policy_row("paper"), **changes}]))
    assert found.startswith(fault)


def test_all_faults_are_told_at_once() -> None:
    rows = [policy_row("paper", margin_fen="x"), retention_row("stay", ""), policy_row("paper")]
    assert faults(catalogue_csv(rows)) == [
        'row 2, column margin_fen: "x": expected whole fen, not negative',
        'row 3, column policy_group: "": expected a group in zone retention, nothing elsewhere',
        'row 4, column policy: "paper" is in row 2, too: expected another code',
    ]


def test_a_header_is_compared_with_the_fields_of_a_policy() -> None:
    text = catalogue_csv([policy_row("paper")]).replace("margin_fen", "margin_fem", 1)
    assert faults(text) == [
        'row 1, column margin_fem: no field of a policy is called "margin_fem": did you mean "margin_fen"?',
        "row 1: columns are missing: margin_fen",
    ]


def test_a_catalogue_of_old_that_tells_no_kinds_is_still_read() -> None:
    rows = [policy_row("paper"), retention_row("stay"), voice_row("pack")]
    policies = read_policies(catalogue_csv(rows)).values()
    assert [policy.kind for policy in policies] == [
        PolicyKind.ORDER,
        PolicyKind.RECONTRACT,
        PolicyKind.LONG_DISTANCE_PACK,
    ]
    assert {(policy.cities, policy.exclusions, policy.revenue_change_fen) for policy in policies} == {((), (), 0)}


@pytest.mark.parametrize("text", ["", "policy,zone\n", "\0"])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    assert len(faults(text)) == 1


def test_each_sample_text_fits_one_message_with_its_signature_and_the_way_out() -> None:
    for policy in read_policies(sample("policies")).values():
        text = SIGNATURE + policy.sms_text.replace("{keyword}", policy.order_keyword) + OPT_OUT
        assert len(text.encode("utf-16-be")) // 2 <= ONE_SMS, policy.policy
