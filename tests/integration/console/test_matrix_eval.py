"""`visavis matrix eval` asks what a matrix makes of one customer, and tells it."""

from pathlib import Path

from visavis.recommendation.v1 import matrix_evaluation_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

ANSWER = pb.EvaluateMatrixResponse(
    display_name="Keep",
    hit_policy="FIRST",
    inputs=[pb.MatrixValue(name="arpu", value="86.50")],
    fired_rows=[4],
    outputs=[pb.MatrixOutputs(values=[pb.MatrixValue(name="policy", value='"gift"')])],
    rows=[
        pb.EvaluatedRow(row=3, failed_input="arpu", failed_cell="> 100", failed_value="86.50"),
        pb.EvaluatedRow(row=4, fired=True),
        pb.EvaluatedRow(row=5),
    ],
)


def test_a_version_is_found_by_its_name_and_the_answer_is_told(visavis: Visavis, services: FakeServices) -> None:
    listed = [matrix_pb.Matrix(name="matrices/7", display_name="Keep"), matrix_pb.Matrix(name="matrices/6")]
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=listed))
    services.will("EvaluateMatrix", ANSWER)
    said = visavis("matrix", "eval", "Keep", "--input", "arpu=86.50", "--input", "brand = a=b")
    assert said.code == 0
    asked = pb.EvaluateMatrixRequest(name="matrices/7", inputs={"arpu": "86.50", "brand": "a=b"})
    assert services.requests("EvaluateMatrix") == [asked]
    lines = [line.split() for line in said.page.splitlines()]
    assert ["arpu", "86.50"] in lines
    assert "Fired: row 4" in said.page
    assert 'gives policy = "gift"' in said.page
    assert ["│", "3", "│", "arpu", "│", ">", "100", "│", "86.50", "│"] in lines
    assert "all cells pass" in said.page


def test_a_file_is_asked_as_it_is(visavis: Visavis, services: FakeServices, tmp_path: Path) -> None:
    file = tmp_path / "keep.csv"
    file.write_bytes(b"matrix,...")
    services.will("EvaluateMatrix", pb.EvaluateMatrixResponse(display_name="Keep", ambiguous=True, fired_rows=[3, 4]))
    said = visavis("matrix", "eval", str(file))
    assert "Ambiguous: rows 3, 4" in said.page
    assert services.requests("EvaluateMatrix") == [
        pb.EvaluateMatrixRequest(content=b"matrix,...", file_name="keep.csv")
    ]
    value = visavis("matrix", "eval", str(file), "--json").value
    assert isinstance(value, dict)
    assert value["fired_rows"] == [3, 4]


def test_inputs_that_are_no_pairs_are_told_before_anything_is_asked(visavis: Visavis, services: FakeServices) -> None:
    said = visavis("matrix", "eval", "Keep", "--input", "arpu", "--input", "a=1", "--input", "a=2")
    assert said.code == 1
    assert said.errors.splitlines() == [
        '✗ input: "arpu": expected NAME=VALUE, as in arpu=86.50',
        "✗ input a: is given twice",
    ]
    assert services.asked == []
