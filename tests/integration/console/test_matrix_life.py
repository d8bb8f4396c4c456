"""Planners take the steps of a matrix's life by commands, under their own names, and look at what holds and what differs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from visavis.recommendation.v1 import matrix_service_pb2 as pb

from shared.errors import Conflict, WrongState
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

ETAG = "0123456789ab"
NOW = datetime(2026, 11, 9, 1, 30, tzinfo=UTC)


def matrix(number: int = 1, **changes: object) -> pb.Matrix:
    facts: dict[str, object] = {
        "name": f"matrices/{number}",
        "display_name": "存量保有政策",
        "purpose": pb.MATRIX_PURPOSE_RETENTION,
        "hit_policy": "FIRST",
        "rule_count": 7,
        "author": "li",
        "state": pb.Matrix.STATE_APPROVED,
        "etag": ETAG,
    }
    made = pb.Matrix(**{**facts, **changes})  # type: ignore[arg-type]  # fields by name
    made.create_time.FromDatetime(NOW)
    return made


@pytest.fixture(autouse=True)
def known(services: FakeServices) -> None:
    """Let every command find matrices/1 and matrices/2 by their names."""
    services.will("ListMatrices", pb.ListMatricesResponse(matrices=[matrix(1), matrix(2, display_name="优先级")]))
    services.will(
        "GetMatrix",
        lambda request: pb.GetMatrixResponse(matrix=matrix(int(request.name[-1]))),  # type: ignore[attr-defined]  # GetMatrixRequest
    )


def test_a_version_is_approved_by_its_name_as_it_was_looked_at(visavis: Visavis, services: FakeServices) -> None:
    done = matrix(cycles=["2026-11"])
    step = done.steps.add(kind=pb.MatrixStep.KIND_APPROVED, principal="wang", reason="looked at it")
    step.time.FromDatetime(NOW)
    services.will("ApproveMatrix", pb.ApproveMatrixResponse(matrix=done))
    said = visavis("matrix", "approve", "存量保有政策", "--reason", "looked at it", "--as", "wang")
    assert [word in said.page for word in ("approved", "wang", "looked at it", "2026-11-09 09:30")] == [True] * 4
    visavis("matrix", "approve", f"matrices/1@{'f' * 12}", "--reason", "x")
    assert services.requests("ApproveMatrix") == [
        pb.ApproveMatrixRequest(name="matrices/1", etag=ETAG, reason="looked at it"),
        pb.ApproveMatrixRequest(name="matrices/1", etag="f" * 12, reason="x"),
    ]
    assert visavis("matrix", "approve", "存量保有政策").code == 2, "a reason is part of every step"


def test_several_versions_are_published_by_one_request(visavis: Visavis, services: FakeServices) -> None:
    superseded = [matrix(3, display_name="旧")]
    services.will("PublishMatrix", pb.PublishMatrixResponse(matrices=[matrix(1), matrix(2)], superseded=superseded))
    command = ("matrix", "publish", "存量保有政策", "优先级", "--cycle", "2026-11", "--reason", "the month")
    said = visavis(*command)
    assert 'In place of: retention "旧" (matrices/3)' in said.page
    (asked,) = services.requests("PublishMatrix")
    versions = [pb.MatrixVersion(name=f"matrices/{number}", etag=ETAG) for number in (1, 2)]
    assert asked == pb.PublishMatrixRequest(versions=versions, cycle="2026-11", reason="the month")
    services.will("PublishMatrix", WrongState("run `visavis matrix check`", subject="m", reason="MATRIX_NOT_CHECKED"))
    refused = visavis(*command)
    assert (refused.code, "run `visavis matrix check`" in refused.errors) == (1, True)
    assert visavis("matrix", "publish", "优先级", "--cycle", "2026-13", "--reason", "x").code == 2


def test_a_city_goes_back_to_the_version_before_and_a_version_is_retired(
    visavis: Visavis, services: FakeServices
) -> None:
    services.will("RollbackMatrix", pb.RollbackMatrixResponse(matrix=matrix(1), rolled_back=matrix(2)))
    options = ("--purpose", "retention", "--cycle", "2026-11", "--city", "合肥", "--reason", "too dear")
    value = visavis("matrix", "rollback", *options, "--json").value
    assert isinstance(value, dict)
    assert value["rolled_back"]["name"] == "matrices/2"
    assert services.requests("RollbackMatrix") == [
        pb.RollbackMatrixRequest(purpose=pb.MATRIX_PURPOSE_RETENTION, cycle="2026-11", city="合肥", reason="too dear")
    ]
    services.will("RetireMatrix", pb.RetireMatrixResponse(matrix=matrix(state=pb.Matrix.STATE_RETIRED)))
    assert "retired" in visavis("matrix", "retire", "matrices/1", "--reason", "old").page
    assert services.requests("RetireMatrix") == [pb.RetireMatrixRequest(name="matrices/1", etag=ETAG, reason="old")]


def test_what_holds_in_a_city_is_shown_with_where_each_row_comes_from(visavis: Visavis, services: FakeServices) -> None:
    rows = [
        pb.EffectiveRow(
            row=1, matrix="matrices/2", matrix_row=5, city="芜湖", cells=["> 80", '"芜湖"'], outputs=["a"], replaces=12
        ),
        pb.EffectiveRow(row=2, matrix="matrices/1", matrix_row=4, cells=["> 100", "-"], outputs=["b"], note="[note]"),
    ]
    found = pb.GetEffectiveMatrixResponse(
        matrices=[matrix(1), matrix(2, city="芜湖")],
        hit_policy="FIRST",
        inputs=["arpu", "city"],
        outputs=["main_policy"],
        rows=rows,
        parameters=[pb.EffectiveParameter(name="threshold", value="60", by_city={"芜湖": "50"})],
    )
    services.will("GetEffectiveMatrix", found)
    page = visavis("matrix", "show", "retention", "--cycle", "2026-11", "--city", "芜湖").page
    for words in ("芜湖 row 5 for 12", "province row 4", "[note]", "threshold = 60, 芜湖: 50", "> 80"):
        assert words in page
    visavis("matrix", "show", "存量保有政策", "--cycle", "2026-12")
    visavis("matrix", "show", "存量保有政策")
    retention = pb.MATRIX_PURPOSE_RETENTION
    assert services.requests("GetEffectiveMatrix") == [
        pb.GetEffectiveMatrixRequest(purpose=retention, cycle="2026-11", city="芜湖"),
        pb.GetEffectiveMatrixRequest(purpose=retention, cycle="2026-12"),
        pb.GetEffectiveMatrixRequest(name="matrices/1"),
    ]


def test_differences_are_shown_cell_by_cell(visavis: Visavis, services: FakeServices) -> None:
    rows = [
        pb.RowChange(old_row=4, new_row=5, cells=[pb.CellChange(column="arpu", old_text="> 100", new_text="> 120")]),
        pb.RowChange(old_row=6, new_row=7),
    ]
    lines = [pb.LineChange(line="hit policy", old_text="FIRST", new_text="UNIQUE")]
    services.will("DiffMatrices", pb.DiffMatricesResponse(lines=lines, rows=rows, added_columns=["age"], same_count=9))
    page = visavis("matrix", "diff", "存量保有政策", "优先级").page
    for words in ("changed", "moved", "> 120", "UNIQUE", "age", "9 rules are the same"):
        assert words in page
    (asked,) = services.requests("DiffMatrices")
    assert asked == pb.DiffMatricesRequest(old_name="matrices/1", new_name="matrices/2")


def test_versions_are_listed_by_state_cycle_and_city(visavis: Visavis, services: FakeServices) -> None:
    options = ("--state", "published", "--cycle", "2026-11", "--city", "芜湖", "--purpose", "retention")
    assert "approved" in visavis("matrix", "list", *options).page
    (asked,) = services.requests("ListMatrices")
    assert isinstance(asked, pb.ListMatricesRequest)
    wanted = (asked.purpose, asked.state, asked.cycle, asked.city)
    assert wanted == (pb.MATRIX_PURPOSE_RETENTION, pb.Matrix.STATE_PUBLISHED, "2026-11", "芜湖")


def test_an_edit_names_what_it_was_made_of_and_a_retired_text_comes_in_anew(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    file = tmp_path / "retention.csv"
    file.write_bytes(b"matrix,retention")
    retired = pb.ImportMatrixResponse(matrices=[matrix(4, state=pb.Matrix.STATE_RETIRED)])
    services.will("ImportMatrix", retired, pb.ImportMatrixResponse(matrices=[matrix(5)]))
    assert "matrices/5" in visavis("matrix", "import", str(file), "--edited", f"matrices/1@{ETAG}").page
    first, second = services.requests("ImportMatrix")
    assert isinstance(first, pb.ImportMatrixRequest)
    assert isinstance(second, pb.ImportMatrixRequest)
    assert list(first.parents) == [pb.MatrixVersion(name="matrices/1", etag=ETAG)]
    assert first.request_id != second.request_id
    services.will("ImportMatrix", Conflict("li has taken in matrices/9"))
    said = visavis("matrix", "import", str(file), "--edited", "matrices/1")
    assert (said.code, "li has taken in matrices/9" in said.errors) == (1, True)
