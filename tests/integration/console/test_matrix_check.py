"""`visavis matrix check` takes files in, checks overrides with their province, shows what was found, and fails on errors."""

from pathlib import Path

from visavis.recommendation.v1 import matrix_check_pb2 as check_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from tests.factories.runs import SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis
from tests.integration.console.test_matrices import matrix


def found(*findings: check_pb.MatrixFinding) -> check_pb.MatrixCheck:
    errors = sum(each.severity == check_pb.MATRIX_FINDING_SEVERITY_ERROR for each in findings)
    return check_pb.MatrixCheck(
        name="matrixChecks/7",
        status=SUCCEEDED,
        matrices=["matrices/1"],
        day="2026-11-09",
        findings=findings,
        error_count=errors,
        warning_count=len(findings) - errors,
        customer_count=20_000,
    )


def will_find(services: FakeServices, check: check_pb.MatrixCheck) -> None:
    services.will("CheckMatrix", check_pb.CheckMatrixResponse(matrix_check=check))
    services.will("GetMatrixCheck", check_pb.GetMatrixCheckResponse(matrix_check=check))


GAP = check_pb.MatrixFinding(
    kind=check_pb.MATRIX_FINDING_KIND_GAP,
    severity=check_pb.MATRIX_FINDING_SEVERITY_ERROR,
    matrix="matrices/1",
    display_name="Keep",
    witness=[check_pb.MatrixFindingWitness(input="arpu", test="null,[120..130)")],
    text="no row matches arpu null,[120..130)",
    customer_count=1_234,
    example=check_pb.MatrixFindingExample(
        customer="551…07",
        msisdn="138****4567",
        values=[
            check_pb.MatrixFindingWitness(input="arpu", test="125.00"),
            check_pb.MatrixFindingWitness(input="brand", test='"GoTone"'),
        ],
    ),
)
OVERLAP = check_pb.MatrixFinding(
    kind=check_pb.MATRIX_FINDING_KIND_OVERLAP,
    severity=check_pb.MATRIX_FINDING_SEVERITY_WARNING,
    display_name="Keep",
    rows=[check_pb.MatrixFindingRow(row=3), check_pb.MatrixFindingRow(row=4, city="合肥")],
    text="both match",
)


def test_a_file_is_taken_in_and_an_error_ends_the_command_with_1(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    (tmp_path / "keep.csv").write_text("matrix,retention,FIRST,Keep")
    services.will("ImportMatrix", matrix_pb.ImportMatrixResponse(matrix=matrix(1), matrices=[matrix(1)]))
    will_find(services, found(GAP, OVERLAP))
    told = visavis("matrix", "check", str(tmp_path / "keep.csv"), "--city", "合肥")
    assert told.code == 1
    for words in ("1,234", "551…07", "138****4567", "arpu 125.00", "no row matches", "3, 4 (合肥)", "20,000 customers"):
        assert words in told.page
    assert "GoTone" not in told.page
    assert told.page.index("no row matches") < told.page.index("both match")
    (asked,) = services.requests("CheckMatrix")
    assert isinstance(asked, check_pb.CheckMatrixRequest)
    assert (list(asked.matrices), asked.city) == (["matrices/1"], "合肥")


def test_an_override_is_checked_with_the_published_matrix_of_the_province(
    visavis: Visavis, services: FakeServices
) -> None:
    override, province = matrix(2, "Hefei"), matrix(1)
    override.city = "合肥"
    override.state = matrix_pb.Matrix.STATE_CHECKED
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=[override, province]))
    services.will("GetMatrix", matrix_pb.GetMatrixResponse(matrix=override))
    will_find(services, found(OVERLAP))
    told = visavis("matrix", "check", "Hefei")
    assert told.code == 0
    assert "visavis matrix approve" in told.page
    (asked,) = services.requests("CheckMatrix")
    assert isinstance(asked, check_pb.CheckMatrixRequest)
    assert list(asked.matrices) == ["matrices/2", "matrices/1"]
