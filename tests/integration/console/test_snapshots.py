"""`visavis snapshot show`: what the data of a cycle are like."""

from visavis.common.v1 import dataset_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from tests.factories.runs import FAILED, SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis


def snapshots() -> profile_pb.ListSnapshotsResponse:
    figures = [
        profile_pb.QualityFigure(subject="billing", figure="rejected", count=1200, count_before=7),
        profile_pb.QualityFigure(subject="circle", figure="rows", count=0, count_before=0),
        profile_pb.QualityFigure(subject="customers.county", figure="empty cells", count=31),
    ]
    views = dataset_pb2.DatasetRef(row_count=20_000)
    return profile_pb.ListSnapshotsResponse(
        snapshots=[
            profile_pb.Snapshot(name="snapshots/3", cycle="2026-11", status=FAILED),
            profile_pb.Snapshot(name="snapshots/2", cycle="2026-11", status=SUCCEEDED, views=views, quality=figures),
            profile_pb.Snapshot(name="snapshots/1", cycle="2026-10", status=SUCCEEDED),
        ]
    )


def test_figures_stand_beside_those_of_the_cycle_before(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListSnapshots", snapshots())
    page = visavis("snapshot", "show").page
    rejected = next(line for line in page.splitlines() if "rejected" in line)
    assert ("1,200" in rejected, " 7 " in rejected, "20,000" in page, "31" in page) == (True, True, True, True)
    assert "snapshots/2" in page
    assert "circle" not in page


def test_the_snapshot_of_another_cycle_may_be_asked_for(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListSnapshots", snapshots())
    assert '"snapshots/1"' in visavis("snapshot", "show", "2026-10", "--json").page


def test_a_cycle_without_views_is_told(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListSnapshots", snapshots())
    said = visavis("snapshot", "show", "2026-09")
    assert (said.code != 0, "customer views of 2026-09" in said.errors) == (True, True)
