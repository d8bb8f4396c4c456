"""Planners' files from the planner's side: taken in, found again by name, given out."""

import hashlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from visavis.recommendation.v1 import file_format_pb2 as format_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.render.output import enum_word
from services.console.runs import pages
from shared.errors import InvalidInput, NotFound

EXTRACTION = matrix_pb.MATRIX_PURPOSE_EXTRACTION
_COLLECTION = "matrices/"
_SEEN = re.compile(r"(?P<name>.+)@(?P<etag>[0-9a-f]{12})")
_FORMATS = {".csv": format_pb.FILE_FORMAT_CSV, ".xlsx": format_pb.FILE_FORMAT_XLSX, ".dmn": format_pb.FILE_FORMAT_DMN}


async def take_matrices(
    path: Path, clients: Clients, *, edited_from: Sequence[matrix_pb.MatrixVersion] = ()
) -> Sequence[matrix_pb.Matrix]:
    """Take a file in and return its matrices; the same content finds what is there, unless that was retired.

    `edited_from` are the versions that the file was made of. Raises InvalidInput with all that is wrong, Conflict where somebody
    else has edited one of them.
    """
    content = _content(path)
    made_of = [hashlib.sha256(content).hexdigest(), *(version.name for version in edited_from)]
    while True:
        asked = matrix_pb.ImportMatrixRequest(
            request_id=request_id("", "matrix file", *made_of),
            content=content,
            file_name=path.name,
            parents=edited_from,
        )
        taken = (await clients.matrices.ImportMatrix(asked)).matrices
        retired = [matrix.name for matrix in taken if matrix.state == matrix_pb.Matrix.STATE_RETIRED]
        if not retired:
            return taken
        made_of += retired


async def take_policies(path: Path, products: Path | None, clients: Clients) -> policy_pb.ImportPoliciesResponse:
    """Take a catalogue in; the same content finds what is there. Raises InvalidInput with all that is wrong."""
    content, described = _content(path), _content(products) if products else b""
    digests = (hashlib.sha256(part).hexdigest() for part in (content, described))
    asked = policy_pb.ImportPoliciesRequest(
        request_id=request_id("", "policies file", *digests),
        content=content,
        file_name=path.name,
        products_content=described,
        products_file_name=products.name if products else "",
    )
    return await clients.policies.ImportPolicies(asked)


_PURPOSES = {
    name.removeprefix("MATRIX_PURPOSE_").lower(): number for name, number in matrix_pb.MatrixPurpose.items() if number
}


async def all_matrices(
    clients: Clients, wanted: matrix_pb.ListMatricesRequest | None = None
) -> AsyncIterator[matrix_pb.Matrix]:
    """Yield all versions that the filters of `wanted` let through, newest first."""

    async def read(size: int, token: str) -> matrix_pb.ListMatricesResponse:
        asked = matrix_pb.ListMatricesRequest(page_size=size, page_token=token)
        asked.MergeFrom(wanted or matrix_pb.ListMatricesRequest())
        return await clients.matrices.ListMatrices(asked)

    async for page in pages(read):
        for matrix in page.matrices:
            yield matrix


async def find_matrix(
    name: str, clients: Clients, *, purpose: "matrix_pb.MatrixPurpose.ValueType | None" = None
) -> str:
    """Return the resource name of a version given by resource name, id, display name (of that the newest), or the word of a
    purpose (what is published of it for the province, else the newest). Raises NotFound."""
    if name.startswith(_COLLECTION):
        return name
    if purpose is None and (meant := _PURPOSES.get(name)) is not None:
        return (await matrix_of_province(meant, clients)).name
    known = []
    async for matrix in all_matrices(clients):
        if purpose in {None, matrix.purpose}:
            if name in {matrix.display_name, matrix.name.removeprefix(_COLLECTION)}:
                return matrix.name
            known.append(matrix.display_name)
    raise NotFound(f"matrix {name} (matrices: {', '.join(dict.fromkeys(known)) or 'none yet'})")


async def matrix_of_province(purpose: "matrix_pb.MatrixPurpose.ValueType", clients: Clients) -> matrix_pb.Matrix:
    """Return the version of a purpose that is no city's override: the newest that is published, or the newest at all.

    Raises NotFound.
    """
    for state in (matrix_pb.Matrix.STATE_PUBLISHED, matrix_pb.Matrix.STATE_UNSPECIFIED):
        async for matrix in all_matrices(clients, matrix_pb.ListMatricesRequest(purpose=purpose, state=state)):
            if not matrix.city and matrix.state != matrix_pb.Matrix.STATE_RETIRED:
                return matrix
    raise NotFound(f"a matrix {purpose_word(purpose)} of the province")


async def read_matrix(name: str, clients: Clients) -> matrix_pb.Matrix:
    """Return the version of this name, as it stands now. Raises NotFound."""
    asked = matrix_pb.GetMatrixRequest(name=await find_matrix(name, clients))
    return (await clients.matrices.GetMatrix(asked)).matrix


async def version_given(text: str, clients: Clients) -> matrix_pb.MatrixVersion:
    """Return the version that NAME or NAME@ETAG speaks of; without an etag as it stands now. Raises NotFound."""
    seen = _SEEN.fullmatch(text)
    matrix = await read_matrix(seen["name"] if seen else text, clients)
    return matrix_pb.MatrixVersion(name=matrix.name, etag=seen["etag"] if seen else matrix.etag)


def purpose_word(purpose: "matrix_pb.MatrixPurpose.ValueType") -> str:
    """Return a purpose as matrices have it in their first line: `new_service`."""
    return enum_word(matrix_pb.MatrixPurpose.Name(purpose), "MATRIX_PURPOSE_").replace(" ", "_")


async def extraction_matrix(file_or_name: str, clients: Clients) -> str:
    """Return the resource name of the extraction matrix in a file, which is taken in, or of the one of this name.

    Raises InvalidInput for a file without exactly one extraction matrix, NotFound.
    """
    path = file_given(file_or_name)
    if path is None:
        return await find_matrix(file_or_name, clients, purpose=EXTRACTION)
    found = [matrix.name for matrix in await take_matrices(path, clients) if matrix.purpose == EXTRACTION]
    if len(found) != 1:
        raise InvalidInput.of(path.name, f"expected one matrix of purpose extraction, found {len(found)}")
    return found[0]


async def matrices_file(names: Sequence[str], out: Path, clients: Clients) -> bytes:
    """Return the file of these matrices, in the format of the name that it shall have. Raises InvalidInput, NotFound."""
    file_format = _format(out)
    found = [await find_matrix(name, clients) for name in names]
    asked = matrix_pb.ExportMatricesRequest(names=found, format=file_format)
    return (await clients.matrices.ExportMatrices(asked)).content


async def all_catalogues(clients: Clients) -> AsyncIterator[policy_pb.PolicyCatalogue]:
    """Yield all versions of the catalogue, newest first."""
    found = pages(
        lambda size, token: clients.policies.ListPolicyCatalogues(
            policy_pb.ListPolicyCataloguesRequest(page_size=size, page_token=token)
        )
    )
    async for page in found:
        for catalogue in page.policy_catalogues:
            yield catalogue


async def newest_catalogue(clients: Clients) -> str:
    """Return the name of the newest version of the catalogue. Raises NotFound where there is none."""
    async for catalogue in all_catalogues(clients):
        return catalogue.name
    raise NotFound("a catalogue of policies: take one in with `visavis policy import`")


async def policies_file(catalogue: str, out: Path, clients: Clients) -> bytes:
    """Return the file of a catalogue, empty = the newest. Raises InvalidInput, NotFound."""
    asked = policy_pb.ExportPoliciesRequest(parent=catalogue, format=_format(out))
    return (await clients.policies.ExportPolicies(asked)).content


def _content(path: Path) -> bytes:
    return path.read_bytes()


def file_given(file_or_name: str) -> Path | None:
    """Return the file of this name, if there is one."""
    path = Path(file_or_name)
    return path if path.is_file() else None


def _format(out: Path) -> "format_pb.FileFormat.ValueType":
    file_format = _FORMATS.get(out.suffix.lower())
    if file_format is None:
        raise InvalidInput.of("out", f'"{out.name}": expected a name that ends in .xlsx, .csv or, for matrices, .dmn')
    return file_format
