"""A planner asks over the wire what a matrix makes of one customer."""

import pytest
from visavis.recommendation.v1 import matrix_evaluation_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from shared.errors import InvalidInput, NotFound
from tests.factories.recommendation import matrix_csv
from tests.integration.recommendation.service import Service

CSV = matrix_csv(
    "voice_usage",
    "UNIQUE",
    ["arpu", "brand", "=> policy"],
    [["> 100", "-", "big"], ["-", '"GoTone"', "gold"], ["null", "null", "unknown"]],
)


async def evaluated(service: Service, **inputs: str) -> pb.EvaluateMatrixResponse:
    asked = pb.EvaluateMatrixRequest(content=CSV.encode(), file_name="voice.csv", inputs=inputs)
    return await service.matrices.EvaluateMatrix(asked)


async def test_a_version_says_what_fired_and_where_each_other_row_failed(service: Service) -> None:
    taken = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=CSV))
    asked = pb.EvaluateMatrixRequest(name=taken.matrix.name, inputs={"arpu": "120.50", "brand": "Easyown"})
    answer = await service.matrices.EvaluateMatrix(asked)
    assert (answer.display_name, answer.hit_policy) == (taken.matrix.display_name, "UNIQUE")
    assert [(each.name, each.value) for each in answer.inputs] == [("arpu", "120.50"), ("brand", '"Easyown"')]
    assert (list(answer.fired_rows), answer.ambiguous) == ([3], False)
    assert [(each.name, each.value) for (given,) in [answer.outputs] for each in given.values] == [("policy", '"big"')]
    assert list(answer.rows) == [
        pb.EvaluatedRow(row=3, fired=True),
        pb.EvaluatedRow(row=4, failed_input="brand", failed_cell='"GoTone"', failed_value='"Easyown"'),
        pb.EvaluatedRow(row=5, failed_input="arpu", failed_cell="null", failed_value="120.50"),
    ]


async def test_a_file_is_asked_without_being_taken_in(service: Service) -> None:
    assert list((await evaluated(service)).fired_rows) == [5]
    assert not (await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest())).matrices


async def test_contradicting_rows_are_told_and_give_nothing(service: Service) -> None:
    answer = await evaluated(service, arpu="200", brand="GoTone")
    assert (list(answer.fired_rows), answer.ambiguous, list(answer.outputs)) == ([3, 4], True, [])
    assert [row.fired for row in answer.rows] == [False, False, False]


async def test_wrong_inputs_files_and_names_are_refused(service: Service) -> None:
    with pytest.raises(InvalidInput) as refused:
        await evaluated(service, arpuu="1", arpu="much")
    told = {each.field: each.description for each in refused.value.violations}
    assert told["input arpuu"] == 'no input is called "arpuu": did you mean "arpu"?'
    assert told["input arpu"] == "much: expected a number, such as 12"
    with pytest.raises(InvalidInput, match="name or content"):
        await service.matrices.EvaluateMatrix(pb.EvaluateMatrixRequest())
    with pytest.raises(NotFound):
        await service.matrices.EvaluateMatrix(pb.EvaluateMatrixRequest(name="matrices/none"))
    with pytest.raises(InvalidInput) as unread:
        await service.matrices.EvaluateMatrix(pb.EvaluateMatrixRequest(content=b"matrix,voice", file_name="v.csv"))
    assert unread.value.reason == "ERROR_REASON_MATRIX_INVALID"
