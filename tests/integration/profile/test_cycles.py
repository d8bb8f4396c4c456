"""Snapshots of several cycles: numbers that change hands, data that change, and outcomes that are known."""

from dataclasses import replace
from pathlib import Path

from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as pb

from services.profile.domain.resources import ImportRequest
from shared.lake.refs import from_ref
from tests.factories.profile import Extracts, bill, customer, traffic
from tests.integration.profile.conftest import Profile

BEFORE = Extracts(
    customers=[customer("c1", msisdn="13900000001"), customer("c2", msisdn="13900000002", county="")],
    billing=[bill("c1", "202609"), bill("c2", "202609")],
    traffic=[traffic("c1", "202609")],
)
NOW = Extracts(
    customers=[
        customer("c1", msisdn="13900000003", county=""),
        customer("c2", msisdn="13900000002", status="离网", left_date="2026-10-05"),
        customer("c3", msisdn="13900000001", activation_date="2026-10-09", birth_year="", county=""),
    ],
    billing=[bill("c1", "202610")],
    traffic=[traffic("c1", "202610"), traffic("c3", "202610"), traffic("nobody", "202610")],
)


async def snapshot_of(profile: Profile, request: ImportRequest) -> pb.Snapshot:
    snapshot = await profile.snapshot_of(await profile.import_extracts(request))
    assert snapshot.status.state == run_pb2.RUN_STATE_SUCCEEDED, snapshot.status.failure
    return snapshot


def written(extracts: Extracts, folder: Path, cycle: str) -> ImportRequest:
    folder.mkdir()
    return replace(extracts.write(folder), cycle=cycle)


async def test_a_number_is_todays_holders_since_it_came_to_them(profile: Profile, tmp_path: Path) -> None:
    await snapshot_of(profile, written(BEFORE, tmp_path / "before", "2026-10"))
    request = written(NOW, tmp_path / "now", "2026-11")
    first = await snapshot_of(profile, request)
    corrected = await snapshot_of(profile, request)
    for snapshot in (first, corrected):
        since = {}
        for number in ("13900000001", "13900000003"):
            asked = pb.GetCustomerViewRequest(msisdn=number, snapshot=snapshot.name)
            view = (await profile.stub.GetCustomerView(asked)).view
            since[view.customer_id] = view.number_since
        assert since == {"c3": "2026-10-09", "c1": "2026-10-01"}
    assert corrected.views.fingerprint == first.views.fingerprint


async def test_quality_stands_beside_that_of_the_cycle_before(profile: Profile, tmp_path: Path) -> None:
    before = await snapshot_of(profile, written(BEFORE, tmp_path / "before", "2026-10"))
    assert not any(figure.HasField("count_before") for figure in before.quality)
    now = await snapshot_of(profile, written(NOW, tmp_path / "now", "2026-11"))
    found = {(each.subject, each.figure): (each.count, each.count_before) for each in now.quality}
    assert found["customers", "rows"] == (3, 2)
    assert found["customers.county", "empty cells"] == (2, 1)
    assert (found["traffic", "accepted"], found["traffic", "rejected"]) == ((2, 1), (1, 0))
    assert found["billing", "customers without a row"] == (1, 0)
    assert found["traffic", "customers without a row"] == (0, 1)
    assert found["billing", "months"] == (1, 1)
    assert found["circle", "rows"] == (0, 0)
    assert not any(subject.startswith("circle.") for subject, _ in found)


async def test_an_extract_with_outcomes_is_what_models_learn_from(profile: Profile, tmp_path: Path) -> None:
    request = written(BEFORE, tmp_path / "known", "2026-10")
    outcomes = "列 customer_id,列 churned\nc2,是\n"
    (Path(request.source) / "outcomes.csv").write_text(outcomes, encoding="utf-8")
    snapshot = await snapshot_of(profile, request)
    (view,) = profile.lake.lookup(from_ref(snapshot.history_views), "customer_id", ["c1", "c2"]).to_pylist()
    (label,) = profile.lake.lookup(from_ref(snapshot.history_labels), "customer_id", ["c1", "c2"]).to_pylist()
    assert (view["customer_id"], view["arpu_fen"], view["balance_fen"]) == ("c2", 6600, 1250)
    assert (label["customer_id"], label["churned"], label["stayed"]) == ("c2", True, False)
