"""Arms are drawn by owner, by lot, and the same way twice."""

from pathlib import Path

import pytest

from services.feedback.datasets import publish_membership
from services.feedback.use_cases import DrawArms, DrawnArms
from shared.errors import InvalidInput
from shared.lake.dataset import Dataset
from tests.factories.feedback import NOW, lake_in, publish_views


def drawn(folder: Path, owners: list[str], *, seed: int = 1, control: int = 10, random: int = 10) -> DrawnArms:
    lake = lake_in(folder)
    order = DrawArms("2026-11", publish_views(lake, owners), control, random, seed)
    return publish_membership(lake, f"feedback/arms/{seed}", order=order, created_at=NOW, traceparent="")


def arms(folder: Path, owners: list[str], seed: int) -> dict[str, str]:
    found = drawn(folder, owners, seed=seed)
    lake = lake_in(folder)
    ids = [f"c{index:03}" for index in range(len(owners))]
    table = lake.lookup(found.membership, "customer_id", ids)
    return {str(row["customer_id"]): str(row["arm"]) for row in table.to_pylist()}


def test_every_customer_has_an_arm_and_shares_come_out(tmp_path: Path) -> None:
    counts = drawn(tmp_path, [f"owner {n}" for n in range(5000)]).counts
    assert sum(counts.values()) == 5000
    assert counts["control"] == pytest.approx(500, abs=80)
    assert counts["random"] == pytest.approx(500, abs=80)


def test_lines_of_one_owner_share_an_arm(tmp_path: Path) -> None:
    found = arms(tmp_path, ["one", "two", "one", "three", "two", "one"] * 20, seed=3)
    by_owner = {
        owner: {found[f"c{i:03}"] for i in range(120) if i % 6 in places}
        for owner, places in {"one": (0, 2, 5), "two": (1, 4), "three": (3,)}.items()
    }
    assert all(len(seen) == 1 for seen in by_owner.values())


def test_the_same_seed_draws_the_same_and_another_does_not(tmp_path: Path) -> None:
    owners = [f"owner {n}" for n in range(300)]
    first = arms(tmp_path / "a", owners, seed=7)
    assert arms(tmp_path / "b", owners, seed=7) == first
    assert arms(tmp_path / "c", owners, seed=8) != first


def test_no_share_means_no_such_arm(tmp_path: Path) -> None:
    assert drawn(tmp_path, [f"owner {n}" for n in range(200)], control=0, random=0).counts == {"targeted": 200}


def test_all_that_is_wrong_with_a_request_is_said_at_once() -> None:
    order = DrawArms("november", Dataset("", "", 0, ""), 51, -1, 1)
    with pytest.raises(InvalidInput) as caught:
        order.check()
    assert {violation.field for violation in caught.value.violations} == {
        "control_percent",
        "random_percent",
        "cycle",
        "views",
    }
