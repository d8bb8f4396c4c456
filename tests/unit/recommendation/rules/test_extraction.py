"""An extraction matrix picks from everyone who has a list, under the guards that lists hold."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import Blocked, PolicyListRow, TargetRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.domain import Catalogue
from services.recommendation.engine.assembly.arbitration import bar
from services.recommendation.engine.assembly.rules import own_offer
from services.recommendation.engine.assembly.terms import UNCHOSEN, Weighing
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.extraction import Extraction
from services.recommendation.engine.feel import Value
from services.recommendation.engine.matrix import compile_closure, results
from services.recommendation.engine.rulebook import read_matrix
from services.recommendation.use_cases.assembly import AssemblyInputs
from services.recommendation.use_cases.targets import TargetOrder
from shared.errors import WrongState
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import table_to_messages
from tests.factories.recommendation import (
    NOW,
    catalogue_csv,
    holding,
    matrix_csv,
    need,
    policy_row,
    product_row,
    products_csv,
    publish,
    retention_row,
    sample,
    scores,
    view,
    voice_row,
)

CATALOGUE = read_catalogue(
    catalogue_csv(
        [
            policy_row("paper", handset_needs="mms"),
            policy_row("tone", product="ring_back_tone"),
            policy_row("old", valid_until="2026-11-09"),
            retention_row("gift"),
        ]
    ),
    "",
)
NO_MEMBERSHIP = Dataset("membership", "visavis.feedback.v1.ControlMembership", 0, "")
HEADERS = ["age", "=> policy"]


def listed(customer_id: str, **facts: object) -> PolicyListRow:
    """Return a list without any recommendation, of somebody who may be contacted."""
    row = {
        "owner_id": f"o{customer_id}",
        "msisdn": "13800000000",
        "city": "hefei",
        "arm": "targeted",
        "contactable": True,
    }
    return PolicyListRow(customer_id=customer_id, **{**row, **facts})  # type: ignore[arg-type]  # fields by name


def pick(
    tmp_path: Path,
    rules: Sequence[Sequence[str]],
    views: Sequence[CustomerView],
    *,
    lists: Sequence[PolicyListRow] = (),
    scored: Sequence[CustomerScores] = (),
    hit_policy: str = "FIRST",
    values: Sequence[str] = (),
    catalogue: Catalogue = CATALOGUE,
    weighing: Weighing = UNCHOSEN,
    **asked: object,
) -> list[TargetRow]:
    """Return the targets among these customers; the lists given stand for the plain ones of their customers."""
    lake = Lake(tmp_path / "lake")
    by_id = {customer.customer_id: listed(customer.customer_id) for customer in views}
    by_id |= {row.customer_id: row for row in lists}
    by_score = {customer.customer_id: scores(customer.customer_id) for customer in views}
    by_score |= {row.customer_id: row for row in scored}
    inputs = AssemblyInputs(
        publish(lake, "views", views), publish(lake, "scores", list(by_score.values())), NO_MEMBERSHIP
    )
    order = {"zone": None, "policy": "", "limit": 0, "cities": None, "matrix_id": "m", "catalogue_id": "c"}
    wanted = TargetOrder("assemblyRuns/1", publish(lake, "lists", list(by_id.values())), inputs, **{**order, **asked})  # type: ignore[arg-type]  # fields by name
    ranked = [["values", "policy", *values]] if values else []
    text = matrix_csv("extraction", hit_policy, HEADERS, rules, declared=ranked)
    table = read_matrix(text, fields=matrix_fields())
    selected = LakeWorkshop(lake).select_targets(
        wanted, Extraction(table, catalogue, date(2026, 11, 9), weighing), run_id="t", created_at=NOW, traceparent=""
    )
    assert [dataset.uri for dataset in lake.manifest(selected.targets).lineage] == ["lists", "views", "scores"]
    return table_to_messages(lake.lookup(selected.targets, "rank", list(range(1, 1000))), TargetRow)


def picked(rows: Sequence[TargetRow]) -> dict[str, str]:
    return {row.customer_id: row.policy for row in rows}


def test_customers_are_picked_whatever_their_list_recommends_and_by_fields_of_views_and_scores(tmp_path: Path) -> None:
    views = [view("c1", age=30), view("c2", age=39, number_since="2026-02-01"), view("c3", age=40), view("c4")]
    found = pick(
        tmp_path, [["< 40", "paper"], ["-", ""]], views, scored=[scores("c2", needs=[need(probability=9_000)])]
    )
    assert [(row.customer_id, row.policy, row.product, row.expected_value_fen) for row in found] == [
        ("c2", "paper", "mobile_newspaper", 900),
        ("c1", "paper", "mobile_newspaper", 250),
    ]
    assert [row.number_since for row in found] == ["2026-02-01", ""]


def test_nobody_is_picked_whom_lists_keep_it_from(tmp_path: Path) -> None:
    states = {"c3": "active", "c4": "trial", "c5": "cancelled"}
    views = [
        view("c0"),
        view("c1"),
        view("c2"),
        *(view(customer, products=[holding(state)]) for customer, state in states.items()),
        view("c6", products=[holding("inactive", provisioned=False)]),
        view("c7", products=[holding("inactive")]),
        view("c8", handset_mms=False),
        view("c9", products=[holding("active", "ring_back_tone")]),
    ]
    lists = [
        listed("c0", contactable=False),
        listed("c1", blocked=[Blocked(zone="new_service", policy="paper", rule=3, reason="x")]),
        listed("c7", blocked=[Blocked(zone="new_service", policy="tone", rule=3, reason="x")]),
    ]
    scored = [scores("c2", needs=[need(level="none")])]
    found = pick(tmp_path, [["-", "paper"]], views, lists=lists, scored=scored)
    assert set(picked(found)) == {"c4", "c5", "c7", "c9"}, "an order turns a trial into a subscription"


KINDS = [
    policy_row("order", kind="order"),
    policy_row("trial", kind="trial"),
    policy_row("abroad", cities="wuhu"),
    policy_row("both", kind="combination", combined_products="ring_back_tone"),
    policy_row("second", prerequisites="ring_back_tone"),
    policy_row("web", product="mobile_internet"),
    policy_row("diluting", revenue_change_fen="-100"),
    retention_row("kept", revenue_change_fen="-100"),
    voice_row("pack", kind="long_distance_pack"),
    voice_row("short", kind="vpmn_plan"),
]
STATES = (None, "potential", "inactive", "unprovisioned", "active", "cancelled", "voice_plan", "trial")


def anybody(number: int, policy: int) -> tuple[CustomerView, CustomerScores]:
    """Return one of all sorts of customers, whose age is the number of the policy to be tried on them."""
    customer_id = f"c{number:05}"
    draw = [number // 8**place % 8 for place in range(3)]
    state, other = STATES[draw[0]], STATES[draw[1]]
    held = [
        holding("inactive" if state == "unprovisioned" else state, product, provisioned=state != "unprovisioned")
        for product, state in (("mobile_newspaper", state), ("ring_back_tone", other))
        if state
    ]
    level = ("none", "rigid", "sensitive", "ordinary")[draw[2] % 4]
    facts = {"internet_access": bool(draw[2] % 2), "handset_mms": draw[2] < 6, "age": policy}
    levels = [need(level=level), need("ring_back_tone", "none" if draw[2] > 3 else "rigid")]
    return view(customer_id, products=held, **facts), scores(customer_id, needs=levels)


def test_nobody_is_offered_what_the_rule_for_lists_bars_and_everybody_what_it_does_not(tmp_path: Path) -> None:
    products = [
        product_row("mobile_newspaper", barriers="handset", handset_needs="mms"),
        product_row("ring_back_tone"),
        product_row("mobile_internet", barriers="internet", needs_internet="yes"),
    ]
    catalogue = read_catalogue(catalogue_csv(KINDS), products_csv(products))
    people = [anybody(number, number % len(KINDS)) for number in range(8**3)]
    rules = [[str(place), row["policy"]] for place, row in enumerate(KINDS)]
    views, scored = [row for row, _ in people], [row for _, row in people]
    found = picked(pick(tmp_path, rules, views, scored=scored, catalogue=catalogue))
    lake = Lake(tmp_path / "lake")
    ids = [row.customer_id for row in views]
    stored = {row["customer_id"]: row for row in lake.lookup(dataset_of(lake, "views"), "customer_id", ids).to_pylist()}
    scores_of = {
        row["customer_id"]: row for row in lake.lookup(dataset_of(lake, "scores"), "customer_id", ids).to_pylist()
    }
    expected, reasons = {}, set()
    for row in views:
        policy = catalogue.policies[KINDS[row.age]["policy"]]
        customer = customer_of(stored[row.customer_id], scores_of[row.customer_id], None)
        reason = bar(customer, own_offer(policy, catalogue, date(2026, 11, 9), Weighing(), rule=3))
        reasons.add(reason)
        if reason is None:
            expected[row.customer_id] = policy.policy
    assert len(reasons) > 12, "nearly every reason must occur"
    assert found == expected


def dataset_of(lake: Lake, uri: str) -> Dataset:
    dataset = lake.find(uri)
    assert dataset is not None
    return dataset


def test_a_policy_that_is_not_valid_on_the_day_is_offered_to_nobody(tmp_path: Path) -> None:
    assert pick(tmp_path, [["-", "old"]], [view("c1")]) == []


def test_under_collect_the_first_policy_counts_that_nothing_keeps_from_the_customer(tmp_path: Path) -> None:
    views = [
        view("c1"),
        view("c2", handset_mms=False),
        view("c3", handset_mms=False, products=[holding("active", "ring_back_tone")]),
    ]
    rules = [["-", "old"], ["-", "paper"], ["-", "tone"], ["-", "gift"]]
    found = pick(tmp_path, rules, views, hit_policy="COLLECT")
    assert picked(found) == {"c1": "paper", "c2": "tone", "c3": "gift"}


def test_under_output_order_the_values_say_which_policy_comes_first(tmp_path: Path) -> None:
    views = [view("c1"), view("c2", handset_mms=False)]
    rules = [["-", "paper"], ["-", "tone"], ["-", "gift"]]
    found = pick(tmp_path, rules, views, hit_policy="OUTPUT ORDER", values=["paper", "gift", "tone"])
    assert picked(found) == {"c1": "paper", "c2": "gift"}


def test_an_any_matrix_whose_rows_give_different_policies_is_told_with_its_rows(tmp_path: Path) -> None:
    rules = [["< 40", "paper"], ["> 20", "tone"], ["> 50", "tone"]]
    with pytest.raises(WrongState, match=r"is ANY, but rows 3, 4 all match customer … and do not all give the same"):
        pick(tmp_path, rules, [view("c1", age=30)], hit_policy="ANY")
    assert picked(pick(tmp_path / "agreed", rules, [view("c1", age=60)], hit_policy="ANY")) == {"c1": "tone"}


def test_the_arms_the_limit_the_cities_and_one_line_per_owner_hold_as_for_lists(tmp_path: Path) -> None:
    views = [view(f"c{n}", age=30) for n in range(8)]
    lists = [
        listed("c0", owner_id="one"),
        listed("c1", owner_id="one"),
        listed("c2"),
        listed("c3", city="wuhu"),
        listed("c4", arm="control"),
        listed("c5", arm="random"),
        listed("c6", arm="random"),
        listed("c7"),
    ]
    found = pick(tmp_path, [["< 40", "paper"]], views, lists=lists, limit=2, cities=("hefei",))
    assert [(row.arm, row.rank) for row in found] == [("targeted", 1), ("targeted", 2), ("random", 3), ("control", 4)]
    assert [row.customer_id for row in found if row.arm == "targeted"] == ["c0", "c2"]


def test_an_ambiguous_unique_matrix_is_told_with_its_rows(tmp_path: Path) -> None:
    rules = [["< 40", "paper"], ["> 20", "tone"]]
    with pytest.raises(WrongState, match=r"rows 3, 4 all match customer …: narrow"):
        pick(tmp_path, rules, [view("c1", age=30)], hit_policy="UNIQUE")


def test_the_sample_extracts_young_members_of_enterprises_and_names_policies_of_the_sample_catalogue() -> None:
    table = read_matrix(sample("extraction"), fields=matrix_fields())
    assert {rule.outputs[0] for rule in table.rules} - {None} <= set(
        read_catalogue(sample("policies"), sample("products")).policies
    )
    fire = compile_closure(table)
    member: dict[str, Value] = {"age": Decimal(39), "enterprise_id": "E1", "brand": "GoTone"}
    others: list[dict[str, Value]] = [
        {"age": Decimal(40)},
        {"age": None},
        {"enterprise_id": None},
        {"brand": "Easyown"},
    ]
    assert results(table, fire(member)) == ({"policy": "newspaper-trial"},)
    for other in others:
        assert results(table, fire({**member, **other})) == ({"policy": None},)


def test_an_extraction_holds_to_city_conditions_and_the_dilution_guard_but_not_to_the_ladder(tmp_path: Path) -> None:
    rules = [["20", "local"], ["21", "needy"], ["22", "both"], ["23", "cheap"], ["24", "sample"], ["25", "plain"]]
    catalogue = read_catalogue(
        catalogue_csv(
            [
                policy_row("local", cities="芜湖"),
                policy_row("needy", prerequisites="ring_back_tone"),
                policy_row("both", kind="combination", combined_products="ring_back_tone"),
                policy_row("cheap", revenue_change_fen="-1"),
                policy_row("sample", kind="trial"),
                policy_row("plain"),
            ]
        ),
        "",
    )
    has_tone = [holding("active", "ring_back_tone")]
    views = [
        view("c0", age=20, city="芜湖"),
        view("c1", age=20),
        view("c2", age=21, products=has_tone),
        view("c3", age=21),
        view("c4", age=22),
        view("c5", age=22, products=has_tone),
        view("c6", age=23),
        view("c7", age=24),
        view("c8", age=24, products=[holding("cancelled")]),
        view("c9", age=25),
    ]
    lists = [
        listed("c0", city="芜湖"),
        listed("c9", blocked=[Blocked(zone="new_service", policy="plain", rule=3, reason="ladder")]),
    ]
    found = pick(tmp_path, rules, views, lists=lists, catalogue=catalogue)
    assert set(picked(found)) == {"c0", "c2", "c4", "c7", "c9"}


@pytest.mark.parametrize(
    ("weighing", "value"),
    [
        (Weighing(), 375),
        (Weighing(affinity_percent=20), 450),
        (Weighing(probability=False, affinity_percent=20), 1_800),
        (Weighing(margin=False), 3_750),
        (Weighing(weight=False, probability=False), 1_000),
    ],
)
def test_targets_are_worth_what_lists_would_make_of_it(tmp_path: Path, weighing: Weighing, value: int) -> None:
    products = [product_row("mobile_newspaper"), product_row("ring", associated_products="mobile_newspaper")]
    catalogue = read_catalogue(catalogue_csv([policy_row("paper", weight="1.5")]), products_csv(products))
    held = [view("c1", products=[holding("active", "ring")])]
    (row,) = pick(tmp_path, [["-", "paper"]], held, catalogue=catalogue, weighing=weighing)
    assert row.expected_value_fen == value
