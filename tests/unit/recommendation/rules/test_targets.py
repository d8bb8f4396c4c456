"""Targets: the best by value, some by lot, the control arm whole; one line per person."""

from collections.abc import Sequence
from pathlib import Path

from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import PolicyListRow, Recommendation, TargetRow

from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.domain import Ability, Zone
from services.recommendation.use_cases.assembly import AssemblyInputs
from services.recommendation.use_cases.targets import SelectedTargets, TargetOrder
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import table_to_messages
from tests.factories.recommendation import NOW, publish

NOTHING = Dataset("lists", "PolicyListRow", 0, "")
SINCE = "2026-01-31"
WAP = {"wap": True, "old": False}
"""Whose handsets are known to open WAP pages, or not to."""


def listed(
    customer_id: str, value: int, *, arm: str = "targeted", owner: str = "", policy: str = "paper", **facts: object
) -> PolicyListRow:
    """Return the list of somebody in hefei with one new service, and one retention policy that outranks nothing."""
    new_service = Recommendation(
        zone="new_service", rank=1, policy=policy, product="mobile_newspaper", rule=3, expected_value_fen=value
    )
    second = Recommendation(zone="new_service", rank=2, policy="second", product="tone", rule=3, expected_value_fen=1)
    row: dict[str, object] = {
        "customer_id": customer_id,
        "owner_id": owner or f"o{customer_id}",
        "msisdn": "13800000000",
        "city": "hefei",
        "arm": arm,
        "contactable": True,
        "zone_order": ["new_service", "retention"],
        "recommendations": [new_service, second],
    }
    return PolicyListRow(**{**row, **facts})  # type: ignore[arg-type]  # fields by name


def pick(tmp_path: Path, lists: Sequence[PolicyListRow], **asked: object) -> list[TargetRow]:
    lake = Lake(tmp_path / "lake")
    order: dict[str, object] = {"zone": Zone.NEW_SERVICE, "policy": "", "limit": 0, "cities": None}
    seen = [
        CustomerView(customer_id=row.customer_id, number_since=SINCE, handset_wap=WAP.get(row.customer_id))
        for row in lists
    ]
    views = publish(lake, "views", seen)
    inputs = AssemblyInputs(views, NOTHING, NOTHING)
    wanted = TargetOrder("assemblyRuns/1", publish(lake, "lists", lists), inputs, **{**order, **asked})  # type: ignore[arg-type]  # fields by name
    selected: SelectedTargets = LakeWorkshop(lake).select_targets(
        wanted, None, run_id="t", created_at=NOW, traceparent="00-1-2-01"
    )
    assert lake.manifest(selected.targets).traceparent == "00-1-2-01"
    (path,) = lake.open(selected.targets, expect=TargetRow.DESCRIPTOR.full_name)
    rows = table_to_messages(lake.lookup(selected.targets, "rank", list(range(1, 1000))), TargetRow)
    assert path.exists()
    assert sum(selected.arm_counts.values()) == len(rows)
    assert [row.rank for row in rows] == list(range(1, len(rows) + 1))
    assert {row.number_since for row in rows} <= {SINCE}
    return rows


def test_the_targeted_arm_goes_by_value_then_by_customer_down_to_the_limit(tmp_path: Path) -> None:
    lists = [listed("c1", 5), listed("c2", 9), listed("c3", 7), listed("c4", 7), listed("c5", 1)]
    assert [row.customer_id for row in pick(tmp_path, lists, limit=3)] == ["c2", "c3", "c4"]


def test_only_the_contactable_with_a_first_recommendation_in_the_zone_and_of_the_policy_are_picked(
    tmp_path: Path,
) -> None:
    lists = [
        listed("c1", 5),
        listed("c2", 9, contactable=False),
        listed("c3", 9, recommendations=[]),
        listed("c4", 9, policy="other"),
        listed("c5", 9, city="wuhu"),
        listed("c6", 9, arm="control", contactable=False),
    ]
    found = pick(tmp_path, lists, policy="paper", cities=("hefei",))
    assert [(row.customer_id, row.policy, row.product) for row in found] == [("c1", "paper", "mobile_newspaper")]


def test_only_handsets_known_to_be_able_are_picked_before_lines_and_limits_are_counted(tmp_path: Path) -> None:
    lists = [listed("c9", 9), listed("wap", 5, owner="a"), listed("old", 8, owner="a"), listed("c1", 7)]
    able = pick(tmp_path, lists, handset_needs=(Ability.WAP,), limit=1)
    assert [row.customer_id for row in able] == ["wap"]
    assert pick(tmp_path / "both", lists, handset_needs=(Ability.WAP, Ability.MMS)) == []


def test_of_one_persons_lines_the_best_is_picked(tmp_path: Path) -> None:
    lists = [listed("c1", 5, owner="a"), listed("c2", 9, owner="a"), listed("c3", 9, owner="a"), listed("c4", 1)]
    assert [row.customer_id for row in pick(tmp_path, lists)] == ["c2", "c4"]


def test_the_random_arm_is_drawn_without_ranking_to_a_quarter_and_the_control_arm_is_whole(tmp_path: Path) -> None:
    arms = {"targeted": 20, "random": 40, "control": 30}
    lists = [
        listed(f"{arm[0]}{index:02}", index, arm=arm) for arm, count in sorted(arms.items()) for index in range(count)
    ]
    found = pick(tmp_path, lists, limit=10)
    by_arm = {arm: [row for row in found if row.arm == arm] for arm in arms}
    assert [len(rows) for rows in by_arm.values()] == [10, 3, 30]
    assert [row.arm for row in found] == ["targeted"] * 10 + ["random"] * 3 + ["control"] * 30
    drawn = pick(tmp_path / "again", lists)
    values = [row.expected_value_fen for row in drawn if row.arm == "random"]
    assert len(values) == 40
    assert values not in (sorted(values), sorted(values, reverse=True))
    assert [row.customer_id for row in by_arm["random"]] == [row.customer_id for row in drawn if row.arm == "random"][
        :3
    ]
