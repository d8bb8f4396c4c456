"""Checks of matrices from the planner's side: what is checked together, asked for and waited for."""

import uuid
from collections.abc import Sequence

from visavis.recommendation.v1 import matrix_check_pb2 as check_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.clients import Clients
from services.console.matrices import file_given, matrix_of_province, read_matrix, take_matrices
from services.console.runs import Follower


async def check_matrices(
    names: Sequence[str], clients: Clients, follower: Follower, *, city: str = "", day: str = ""
) -> check_pb.MatrixCheck:
    """Check versions together and return what was found. Raises Failure where the check could not be done."""
    asked = check_pb.CheckMatrixRequest(request_id=str(uuid.uuid4()), matrices=names, city=city, day=day)
    return await follower.complete(
        "check",
        create=clients.matrices.CheckMatrix,
        asked=asked,
        read=clients.matrices.GetMatrixCheck,
        named=lambda name: check_pb.GetMatrixCheckRequest(name=name),
        of=lambda answer: answer.matrix_check,
    )


async def versions_to_check(given: Sequence[str], clients: Clients) -> list[str]:
    """Return the versions of names and of files, which are taken in first; with an override of a city the province's matrix that
    it overrides: the newest that is published, or the newest at all.

    Raises NotFound, InvalidInput with what is wrong in a file.
    """
    versions: list[matrix_pb.Matrix] = []
    for each in given:
        file = file_given(each)
        versions += await take_matrices(file, clients) if file else [await read_matrix(each, clients)]
    provinces = {matrix.purpose for matrix in versions if not matrix.city}
    for purpose in dict.fromkeys(matrix.purpose for matrix in versions):
        if purpose not in provinces:
            versions.append(await matrix_of_province(purpose, clients))
    return list(dict.fromkeys(matrix.name for matrix in versions))
