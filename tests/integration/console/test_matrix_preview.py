"""`visavis matrix preview` takes drafts in, shows what they would change, and writes the changed customers to a file."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from visavis.common.v1 import dataset_pb2
from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import matrix_preview_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from tests.factories.runs import FAILED, SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis
from tests.integration.console.test_matrices import EXTRACTION, matrix


def two(before: int, after: int) -> pb.BeforeAfter:
    return pb.BeforeAfter(before=before, after=after)


def sums(offers: int, accepted: int, cost: int, returned: int, dilution: int) -> pb.MoneySums:
    return pb.MoneySums(
        offer_count=offers, accepted_ten_thousandths=accepted, cost_fen=cost, return_fen=returned, dilution_fen=dilution
    )


def preview() -> pb.MatrixPreview:
    return pb.MatrixPreview(
        name="matrixPreviews/1",
        status=SUCCEEDED,
        assembly_run="assemblyRuns/9",
        changes=dataset_pb2.DatasetRef(uri="recommendation/preview_change/1", row_count=3),
        customer_count=1_000,
        changed_count=3,
        lists=two(1_000, 999),
        rejects=[pb.ReasonCount(reason="x", words="no row of matrix priority matches", count=two(0, 1))],
        blocked=[pb.ReasonCount(reason="ladder", words="an easier product comes first", count=two(5, 5))],
        rows=[
            pb.RowCount(matrix="retention", row_before=4, row_after=5, gives="group-6, gift", customers=two(700, 698)),
            pb.RowCount(matrix="retention", row_after=4, city="芜湖", gives="group-7, vip", customers=two(0, 2)),
            pb.RowCount(matrix="retention", customers=two(300, 301)),
            pb.RowCount(matrix="vpmn", gives="family", customers=two(0, 3), defaults=True),
        ],
        zone_orders=pb.PreviewFlows(flows=[pb.PreviewFlow(source="a > b", target="a > b", customer_count=1_000)]),
        main_policies=pb.PreviewFlows(
            flows=[
                pb.PreviewFlow(source="gift", target="gift", customer_count=997),
                pb.PreviewFlow(source="gift", target="vip", customer_count=2),
                pb.PreviewFlow(source="gift", target="", customer_count=1),
            ]
        ),
        policies=[pb.RecommendedCount(code="vip", customers=two(10, 12), gained_count=2)],
        loads=[
            pb.ChannelLoad(channel=contact_pb2.CHANNEL_CALL, persons=two(900, 899), capacity=500),
            pb.ChannelLoad(channel=contact_pb2.CHANNEL_SMS, persons=two(900, 899)),
        ],
        money=[
            pb.ExpectedMoney(
                city="芜湖",
                zone="retention",
                before=sums(1, 10_000, 500, 2_000, -100),
                after=sums(2, 20_000, 900, 4_100, -100),
            ),
            pb.ExpectedMoney(
                city="芜湖",
                zone="new_service",
                need_level="rigid",
                before=sums(3, 4_000, 0, 300, 0),
                after=sums(3, 4_000, 0, 300, 0),
            ),
        ],
    )


def will_preview(services: FakeServices, found: pb.MatrixPreview) -> None:
    services.will("PreviewMatrix", pb.PreviewMatrixResponse(matrix_preview=found))
    services.will("GetMatrixPreview", pb.GetMatrixPreviewResponse(matrix_preview=found))


def test_a_planner_reads_what_changes_where_channels_are_too_small_and_what_it_costs(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    will_preview(services, preview())
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=[matrix(3)]))
    services.will("ImportMatrix", matrix_pb.ImportMatrixResponse(matrices=[matrix(1), matrix(2, "Young", EXTRACTION)]))
    file = tmp_path / "drafts.xlsx"
    file.write_bytes(b"PK")
    page = visavis("matrix", "preview", str(file), "Keep", "--capacity", "CALL=500", "--capacity", "sms=7").page
    (asked,) = services.requests("PreviewMatrix")
    assert isinstance(asked, pb.PreviewMatrixRequest)
    assert list(asked.matrices) == ["matrices/1", "matrices/3"]
    assert {each.channel: each.capacity for each in asked.capacities} == {
        contact_pb2.CHANNEL_CALL: 500,
        contact_pb2.CHANNEL_SMS: 7,
    }
    lines = [" ".join(line.replace("│", " ").split()) for line in page.splitlines()]
    for expected in (
        "lists change 3 (0.3%)",
        "return 23 -> 44 yuan",
        "Zone orders: nobody's changes",
        "Main policies: 3 change, 997 keep theirs",
        "gift vip 2",
        "gift (none) 1",
        "retention was 4, now 5 group-6, gift 700 698 -2",
        "retention new, now 4 of 芜湖 group-7, vip 0 2 +2",
        "retention no row 300 301 +1",
        "vpmn the default outputs family 0 3 +3",
        "vip 10 12 2 0",
        "no row of matrix priority matches 0 1 +1",
        "call 900 899 500 OVER by 399",
        "sms 900 899",
        "芜湖 4 -> 5 1 -> 2 5 -> 9 23 -> 44 -1",
        "rigid 3 0 0 3 0",
        "3 changed customers are the dataset recommendation/preview_change/1 of matrixPreviews/1.",
    ):
        assert expected in lines, page
    assert "an easier product comes first" not in page


def will_page(services: FakeServices) -> list[pb.PreviewChange]:
    changes = [
        pb.PreviewChange(
            place=place,
            customer_id=f"c{place}",
            city="芜湖",
            main_policy_after="vip",
            policies_added=["vip", "gift"],
            reordered=place == 3,
        )
        for place in (1, 2, 3)
    ]
    services.will(
        "ListPreviewChanges",
        pb.ListPreviewChangesResponse(changes=changes[:2], next_page_token="more"),  # noqa: S106 - no password
        pb.ListPreviewChangesResponse(changes=changes[2:]),
    )
    return changes


def test_changed_customers_are_written_as_csv_or_parquet(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    will_preview(services, preview())
    will_page(services)
    out = tmp_path / "changed.csv"
    said = visavis("matrix", "preview", "matrices/1", "--out", str(out))
    assert "3 changed customers are in" in said.errors
    rows = list(csv.DictReader(out.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["customer_id"] for row in rows] == ["c1", "c2", "c3"]
    assert (rows[2]["policies_added"], rows[2]["reordered"], rows[2]["main_policy_before"]) == ("vip gift", "True", "")
    changes = will_page(services)
    out = tmp_path / "changed.parquet"
    assert visavis("matrix", "preview", "matrices/1", "--out", str(out), "--json").value
    table = pq.read_table(out).to_pylist()
    assert [row["place"] for row in table] == [change.place for change in changes]
    assert (table[0]["main_policy_before"], table[0]["main_policy_after"]) == (None, "vip")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["changed.csv", "changed.parquet"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--out", "changed.pdf"), 'out: "changed.pdf": expected a name that ends in .csv or .parquet'),
        (("--capacity", "desk=5"), 'capacity: "desk=5": expected CHANNEL=PERSONS, of sms, call, wap, mail'),
        (("--capacity", "call=5", "--capacity", "CALL=6"), "capacity: call is given twice"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_compared(
    visavis: Visavis, services: FakeServices, options: tuple[str, ...], told: str
) -> None:
    said = visavis("matrix", "preview", "matrices/1", *options)
    assert (said.code, told in said.errors) == (1, True), said.errors
    assert services.requests("PreviewMatrix") == []


def test_a_preview_that_fails_says_why(visavis: Visavis, services: FakeServices) -> None:
    will_preview(services, pb.MatrixPreview(name="matrixPreviews/1", status=FAILED))
    said = visavis("matrix", "preview", "matrices/1")
    assert (said.code, "no column 月份" in said.errors) == (1, True)
