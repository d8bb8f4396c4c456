"""`visavis cycle …`: asked again it continues, a failing step says why."""

import json
from pathlib import Path
from typing import cast

import pytest
from google.protobuf.message import Message
from visavis.common.v1.dataset_pb2 import DatasetRef
from visavis.feedback.v1 import feedback_service_pb2 as feedback_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import matrix_check_pb2 as check_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.extracts import MAPPING
from services.console.planner_files import NEEDED, POLICIES, PRODUCTS
from shared.errors import Conflict, Failure, InvalidInput, Unavailable, WrongState
from tests.factories.runs import FAILED, PENDING, SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    """Extracts and planners' files, with nothing that the fakes would read."""
    for name in (MAPPING, *(f"{name}.csv" for name in (*NEEDED, POLICIES, PRODUCTS))):
        (tmp_path / name).write_text(f"\ufeff{name}", encoding="utf-8")
    return ("cycle", "run", "2026-11", "--extracts", str(tmp_path), "--planner", str(tmp_path))


PURPOSES = (
    matrix_pb.MATRIX_PURPOSE_PRIORITY,
    matrix_pb.MATRIX_PURPOSE_RETENTION,
    matrix_pb.MATRIX_PURPOSE_NEW_SERVICE,
)


def imported_as(*purposes: "matrix_pb.MatrixPurpose.ValueType") -> matrix_pb.ImportMatrixResponse:
    """Return matrices of these purposes, numbered by their purpose, or by their place where there are several."""
    numbers = purposes if len(purposes) == 1 else range(1, len(purposes) + 1)
    return matrix_pb.ImportMatrixResponse(
        matrices=[
            matrix_pb.Matrix(name=f"matrices/{number}", purpose=purpose)
            for number, purpose in zip(numbers, purposes, strict=True)
        ]
    )


LIVE = [
    matrix_pb.Matrix(name=f"matrices/{number}", purpose=purpose, cycles=["2026-11"])
    for number, purpose in zip((1, 2, 3), PURPOSES, strict=True)
][::-1]

VPMN = matrix_pb.Matrix(name="matrices/5", purpose=matrix_pb.MATRIX_PURPOSE_VPMN, cycles=["2026-11"])


def published(request: Message) -> Message:
    """Return the version asked for, as published for the cycle."""
    name = cast("matrix_pb.GetMatrixRequest", request).name
    return matrix_pb.GetMatrixResponse(
        matrix=matrix_pb.Matrix(name=name, state=matrix_pb.Matrix.STATE_PUBLISHED, cycles=["2026-11"])
    )


def prepare_cycle(services: FakeServices) -> None:
    """Answer every step of a cycle with a run that has succeeded."""
    imported = profile_pb.Import(name="imports/1", cycle="2026-11", status=SUCCEEDED)
    viewless, listless = DatasetRef(row_count=3), DatasetRef(row_count=1)
    snapshot = profile_pb.Snapshot(name="snapshots/1", status=SUCCEEDED, rejects=viewless)
    group = feedback_pb.ControlGroup(name="controlGroups/1", status=SUCCEEDED)
    model = model_pb.Model(name="models/1", status=SUCCEEDED)
    scores = scoring_pb.ScoringRun(name="scoringRuns/1", status=SUCCEEDED)
    dilution = recommendation_pb.Dilution(expected_fen=-123_456, blocked_count=7)
    lists = recommendation_pb.AssemblyRun(
        name="assemblyRuns/1", cycle="2026-11", status=SUCCEEDED, dilution=dilution, rejects=listless
    )
    services.will("ImportMatrix", *(imported_as(purpose) for _ in range(4) for purpose in PURPOSES))
    services.will("GetMatrix", published)
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=LIVE))
    services.will("ImportPolicies", policy_pb.ImportPoliciesResponse(policy_catalogue="policyCatalogues/1"))
    services.will("CreateImport", profile_pb.CreateImportResponse(import_run=imported))
    services.will("GetImport", profile_pb.GetImportResponse(import_run=imported))
    services.will("ListImportRejects", profile_pb.ListImportRejectsResponse())
    services.will("CreateSnapshot", profile_pb.CreateSnapshotResponse(snapshot=snapshot))
    services.will("GetSnapshot", profile_pb.GetSnapshotResponse(snapshot=snapshot))
    services.will("CreateControlGroup", feedback_pb.CreateControlGroupResponse(control_group=group))
    services.will("GetControlGroup", feedback_pb.GetControlGroupResponse(control_group=group))
    taken = [model_pb.NeedProduct(product=code, taker_count=40) for code in ("mail_139", "ring_back_tone")]
    services.will("ListNeedProducts", model_pb.ListNeedProductsResponse(products=taken))
    services.will("GetScoringRules", scoring_pb.GetScoringRulesResponse(fingerprint="ab"))
    services.will("ListScoringRuns", scoring_pb.ListScoringRunsResponse())
    services.will("TrainModel", model_pb.TrainModelResponse(model=model))
    services.will("GetModel", model_pb.GetModelResponse(model=model))
    services.will("CreateScoringRun", scoring_pb.CreateScoringRunResponse(scoring_run=scores))
    services.will("GetScoringRun", scoring_pb.GetScoringRunResponse(scoring_run=scores))
    services.will("CreateAssemblyRun", recommendation_pb.CreateAssemblyRunResponse(assembly_run=lists))
    services.will("GetAssemblyRun", recommendation_pb.GetAssemblyRunResponse(assembly_run=lists))


def test_a_cycle_run_twice_asks_the_same_with_the_same_ids(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    said = visavis(*folders)
    first, services.asked = sorted(map(repr, services.asked)), []
    assert "policy lists are switched in for 2026-11" in said.page
    assert "4 customers got none, each with a reason: 3 have no view (snapshots/1), 1 only no list" in said.page
    assert "visavis trace ab12" in said.page
    assert visavis(*folders).code == 0
    assert sorted(map(repr, services.asked)) == first
    assert len(services.requests("TrainModel")) == 4
    (matrix, *_) = services.requests("ImportMatrix")
    assert isinstance(matrix, matrix_pb.ImportMatrixRequest)
    assert (matrix.content, matrix.file_name) == ("\ufeffpriority.csv".encode(), "priority.csv")
    (policies,) = services.requests("ImportPolicies")
    assert isinstance(policies, policy_pb.ImportPoliciesRequest)
    assert policies.products_content == "\ufeffproducts.csv".encode()
    assert (policies.file_name, policies.products_file_name) == ("policies.csv", "products.csv")
    assert "bills would fall by 1,234 yuan a month; the dilution guard has blocked 7 other policies" in said.page
    (assembled,) = services.requests("CreateAssemblyRun")
    assert isinstance(assembled, recommendation_pb.CreateAssemblyRunRequest)
    assert assembled.matrices == ["matrices/1", "matrices/2", "matrices/3"]


def test_a_cycle_takes_one_workbook_with_all_matrices_and_leaves_extractions_aside(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...], tmp_path: Path
) -> None:
    prepare_cycle(services)
    workbook = tmp_path / "planner.xlsx"
    workbook.write_bytes(b"PK")
    everything = (*PURPOSES, matrix_pb.MATRIX_PURPOSE_EXTRACTION, matrix_pb.MATRIX_PURPOSE_VPMN)
    services.will("ImportMatrix", imported_as(*everything))
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=[*LIVE, VPMN]))
    assert visavis(*folders[:-1], str(workbook)).code == 0
    (matrices,), (policies,) = services.requests("ImportMatrix"), services.requests("ImportPolicies")
    assert isinstance(matrices, matrix_pb.ImportMatrixRequest)
    assert isinstance(policies, policy_pb.ImportPoliciesRequest)
    assert (matrices.content, policies.content, policies.file_name) == (b"PK", b"PK", "planner.xlsx")
    (assembled,) = services.requests("CreateAssemblyRun")
    assert isinstance(assembled, recommendation_pb.CreateAssemblyRunRequest)
    assert assembled.matrices == ["matrices/1", "matrices/2", "matrices/3", "matrices/5"]


def test_overrides_of_cities_stand_beside_the_files_of_the_province(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...], tmp_path: Path
) -> None:
    prepare_cycle(services)
    (tmp_path / "retention.芜湖.csv").write_text("an override", encoding="utf-8")
    override = matrix_pb.Matrix(name="matrices/9", purpose=matrix_pb.MATRIX_PURPOSE_RETENTION, city="芜湖")
    taken = [imported_as(purpose) for purpose in PURPOSES]
    services.will("ImportMatrix", *taken, matrix_pb.ImportMatrixResponse(matrices=[override]))
    assert visavis(*folders).code == 0
    files = [cast("matrix_pb.ImportMatrixRequest", asked).file_name for asked in services.requests("ImportMatrix")]
    assert files == ["priority.csv", "retention.csv", "new_service.csv", "retention.芜湖.csv"]
    assert matrix_pb.GetMatrixRequest(name="matrices/9") in services.requests("GetMatrix")


def test_without_files_lists_are_made_by_what_is_published_and_the_newest_catalogue(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    catalogues = [policy_pb.PolicyCatalogue(name=f"policyCatalogues/{number}") for number in (8, 7)]
    services.will("ListPolicyCatalogues", policy_pb.ListPolicyCataloguesResponse(policy_catalogues=catalogues))
    assert visavis(*folders[:-2]).code == 0
    assert services.requests("ImportMatrix") == services.requests("ImportPolicies") == []
    (assembled,) = services.requests("CreateAssemblyRun")
    assert isinstance(assembled, recommendation_pb.CreateAssemblyRunRequest)
    assert (list(assembled.matrices), assembled.policy_catalogue) == (
        ["matrices/1", "matrices/2", "matrices/3"],
        "policyCatalogues/8",
    )
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=LIVE[:2]))
    said = visavis(*folders[:-2])
    assert (said.code, "no matrix is published for priority" in said.errors) == (1, True)
    assert len(services.requests("CreateImport")) == 1


def test_a_set_of_matrices_that_makes_no_lists_is_refused_before_the_base_is_touched(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...], tmp_path: Path
) -> None:
    prepare_cycle(services)
    services.will("ImportMatrix", imported_as(*PURPOSES, PURPOSES[0]))
    workbook = tmp_path / "planner.xlsx"
    workbook.write_bytes(b"PK")
    said = visavis(*folders[:-1], str(workbook))
    assert "these are priority, retention, new_service, priority" in said.errors
    (tmp_path / "priority.xlsx").write_bytes(b"PK")
    assert "expected one of priority.csv and priority.xlsx, not both" in visavis(*folders).errors
    assert services.requests("CreateImport") == []


class Desk:
    """One draft as a planner's desk has it: checked, approved and published by requests, `errors` being what a check finds."""

    def __init__(self, services: FakeServices, errors: str = "") -> None:
        self.errors = errors
        self.matrix = matrix_pb.Matrix(
            name="matrices/1", author="li", state=matrix_pb.Matrix.STATE_DRAFT, display_name="P"
        )
        services.will("CheckMatrix", self.check)
        services.will("ApproveMatrix", self.approve)
        services.will("PublishMatrix", self.publish)
        done = check_pb.MatrixCheck(name="matrixChecks/1", status=SUCCEEDED)
        services.will("GetMatrixCheck", check_pb.GetMatrixCheckResponse(matrix_check=done))
        services.will("GetMatrix", self.read)

    def read(self, request: Message) -> Message:
        if cast("matrix_pb.GetMatrixRequest", request).name != "matrices/1":
            return published(request)
        return matrix_pb.GetMatrixResponse(matrix=self.matrix)

    def check(self, request: Message) -> Message:
        if self.errors:
            self.matrix.steps.add(kind=matrix_pb.MatrixStep.KIND_FAULTED, reason=self.errors)
        else:
            self.matrix.state = matrix_pb.Matrix.STATE_CHECKED
        return check_pb.CheckMatrixResponse(matrix_check=check_pb.MatrixCheck(name="matrixChecks/1"))

    def approve(self, request: Message) -> Message:
        self.matrix.state = matrix_pb.Matrix.STATE_APPROVED
        return matrix_pb.ApproveMatrixResponse(matrix=self.matrix)

    def publish(self, request: Message) -> Message:
        self.matrix.cycles.append("2026-11")
        return matrix_pb.PublishMatrixResponse(matrices=[self.matrix])


def test_matrices_that_are_not_published_are_refused_with_what_to_do(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    desk = Desk(services)
    for state, command in (
        (matrix_pb.Matrix.STATE_DRAFT, "visavis matrix check matrices/1"),
        (matrix_pb.Matrix.STATE_CHECKED, "visavis matrix approve matrices/1"),
        (matrix_pb.Matrix.STATE_APPROVED, "visavis matrix publish matrices/1 --cycle 2026-11"),
    ):
        desk.matrix.state = state
        said = visavis(*folders)
        assert (said.code, command in said.errors, "--publish-as WHO" in said.errors) == (1, True, True)
    assert services.requests("CreateImport") == []


def test_a_reviewer_stands_for_what_is_not_published_yet(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    Desk(services)
    assert visavis(*folders, "--publish-as", "wang").code == 0
    steps = [method for method, _ in services.asked if method in {"CheckMatrix", "ApproveMatrix", "PublishMatrix"}]
    assert steps == ["CheckMatrix", "ApproveMatrix", "PublishMatrix"]
    (asked,) = services.requests("PublishMatrix")
    assert isinstance(asked, matrix_pb.PublishMatrixRequest)
    assert ([version.name for version in asked.versions], asked.cycle) == (["matrices/1"], "2026-11")
    assert visavis(*folders, "--publish-as", "wang").code == 0
    assert len(services.requests("PublishMatrix")) == 1


def test_nobody_stands_for_a_matrix_whose_check_found_errors(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    Desk(services, errors="1 gap: nobody below 100 yuan")
    said = visavis(*folders, "--publish-as", "wang")
    assert (said.code, "its last check found 1 gap: nobody below 100 yuan" in said.errors) == (1, True)
    assert services.requests("ApproveMatrix") == services.requests("CreateImport") == []


def test_a_cycle_goes_on_when_a_service_was_away(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    made = services.answers["CreateSnapshot"]
    services.will("CreateSnapshot", Unavailable("restarting"), Conflict("another one"), *made)
    done = services.answers["GetScoringRun"]
    waiting = scoring_pb.GetScoringRunResponse(scoring_run=scoring_pb.ScoringRun(name="scoringRuns/1", status=PENDING))
    services.will("GetScoringRun", waiting, *done)
    assert visavis(*folders).code == 0
    assert len(services.requests("CreateSnapshot")) == 3
    assert len(services.requests("GetScoringRun")) == 2


def test_a_product_with_too_few_takers_is_left_out_and_said_so(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    few = "it happened to 4 customers"
    trained = model_pb.TrainModelResponse(model=model_pb.Model(name="models/1", status=SUCCEEDED))

    def training(request: Message) -> Message | Failure:
        asked = cast("model_pb.TrainModelRequest", request)
        failure = WrongState(few, subject="need", reason="ERROR_REASON_TRAINING_DATA_INSUFFICIENT")
        return failure if asked.product in too_few else trained

    services.will("TrainModel", training)
    too_few = {"mail_139"}
    said = visavis(*folders)
    assert said.code == 0
    assert f"The need of mail_139 is not scored. {few}" in " ".join(said.page.split())
    (asked,) = services.requests("CreateScoringRun")
    assert isinstance(asked, scoring_pb.CreateScoringRunRequest)
    assert len(asked.models) == 3
    too_few = {""}
    assert visavis(*folders).code == 1, "stickiness and churn warning are of every cycle"


def test_scores_of_the_latest_cycle_before_and_the_rules_are_part_of_what_is_asked(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    runs = [
        scoring_pb.ScoringRun(name=f"scoringRuns/{cycle}", cycle=cycle, scores=DatasetRef(uri=cycle))
        for cycle in ("2026-11", "2026-10", "2026-09")
    ]
    failed = scoring_pb.ScoringRun(name="scoringRuns/f", cycle="2026-10")
    services.will("ListScoringRuns", scoring_pb.ListScoringRunsResponse(scoring_runs=[failed, *runs]))
    visavis(*folders)
    services.will("GetScoringRules", scoring_pb.GetScoringRulesResponse(fingerprint="cd"))
    visavis(*folders)
    first, second = services.requests("CreateScoringRun")
    assert isinstance(first, scoring_pb.CreateScoringRunRequest)
    assert isinstance(second, scoring_pb.CreateScoringRunRequest)
    assert first.scores_before.uri == second.scores_before.uri == "2026-10"
    assert first.request_id != second.request_id


def test_a_failed_step_says_which_and_why_and_nothing_follows(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    services.will(
        "GetImport", profile_pb.GetImportResponse(import_run=profile_pb.Import(name="imports/1", status=FAILED))
    )
    said = visavis(*folders)
    assert said.code == 1
    assert "import: billing.csv: no column 月份" in said.errors
    assert services.requests("CreateSnapshot") == []


def test_a_planners_file_that_is_missing_is_named(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "retention.csv").unlink()
    prepare_cycle(services)
    said = visavis(*folders, "--json")
    assert said.code == 1
    assert "retention.csv" in json.dumps(said.value)
    assert services.requests("CreateImport") == []


def test_a_wrong_cell_of_a_planners_file_names_the_file(
    visavis: Visavis, services: FakeServices, folders: tuple[str, ...]
) -> None:
    prepare_cycle(services)
    services.will("ImportPolicies", InvalidInput.of("policies.csv, row 21, column margin_fen", "expected whole fen"))
    assert "policies.csv, row 21, column margin_fen: expected whole fen" in visavis(*folders).errors


def test_the_runs_of_a_cycle_are_shown_and_those_of_others_are_not(visavis: Visavis, services: FakeServices) -> None:
    imports = [
        profile_pb.Import(name="imports/1", cycle="2026-11", status=FAILED),
        profile_pb.Import(name="imports/2", cycle="2026-10", status=SUCCEEDED),
    ]
    services.will("ListImports", profile_pb.ListImportsResponse(imports=imports))
    services.will("ListSnapshots", profile_pb.ListSnapshotsResponse())
    services.will("ListScoringRuns", scoring_pb.ListScoringRunsResponse())
    services.will("ListAssemblyRuns", recommendation_pb.ListAssemblyRunsResponse())
    page = visavis("cycle", "show", "2026-11").page
    assert "imports/1" in page
    assert "no column 月份" in page
    assert "imports/2" not in page


def test_a_cycle_that_is_no_month_is_a_usage_error(visavis: Visavis) -> None:
    said = visavis("cycle", "show", "2026-13")
    assert said.code == 2
    assert "expected a month like 2026-11" in said.errors
