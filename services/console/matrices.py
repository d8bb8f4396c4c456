"""Planners' files from the planner's side: taken in, found again by name, given out."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from visavis.recommendation.v1 import file_format_pb2 as format_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.runs import pages
from shared.errors import InvalidInput, NotFound

EXTRACTION = matrix_pb.MATRIX_PURPOSE_EXTRACTION
_COLLECTION = "matrices/"
_FORMATS = {".csv": format_pb.FILE_FORMAT_CSV, ".xlsx": format_pb.FILE_FORMAT_XLSX, ".dmn": format_pb.FILE_FORMAT_DMN}


async def take_matrices(path: Path, clients: Clients) -> Sequence[matrix_pb.Matrix]:
    """Take a file in and return its matrices; the same content finds what is there. Raises InvalidInput with all that is wrong."""
    content = _content(path)
    asked = matrix_pb.ImportMatrixRequest(
        request_id=request_id("", "matrix file", hashlib.sha256(content).hexdigest()),
        content=content,
        file_name=path.name,
    )
    return (await clients.matrices.ImportMatrix(asked)).matrices


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


async def all_matrices(clients: Clients) -> AsyncIterator[matrix_pb.Matrix]:
    """Yield all versions, newest first."""
    found = pages(
        lambda size, token: clients.matrices.ListMatrices(
            matrix_pb.ListMatricesRequest(page_size=size, page_token=token)
        )
    )
    async for page in found:
        for matrix in page.matrices:
            yield matrix


async def find_matrix(
    name: str, clients: Clients, *, purpose: "matrix_pb.MatrixPurpose.ValueType | None" = None
) -> str:
    """Return the resource name of a version given by resource name, id, or display name: of that the newest. Raises NotFound."""
    if name.startswith(_COLLECTION):
        return name
    known = []
    async for matrix in all_matrices(clients):
        if purpose in {None, matrix.purpose}:
            if name in {matrix.display_name, matrix.name.removeprefix(_COLLECTION)}:
                return matrix.name
            known.append(matrix.display_name)
    raise NotFound(f"matrix {name} (matrices: {', '.join(dict.fromkeys(known)) or 'none yet'})")


async def extraction_matrix(file_or_name: str, clients: Clients) -> str:
    """Return the resource name of the extraction matrix in a file, which is taken in, or of the one of this name.

    Raises InvalidInput for a file without exactly one extraction matrix, NotFound.
    """
    path = _file(file_or_name)
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


async def policies_file(catalogue: str, out: Path, clients: Clients) -> bytes:
    """Return the file of a catalogue, empty = the newest. Raises InvalidInput, NotFound."""
    asked = policy_pb.ExportPoliciesRequest(parent=catalogue, format=_format(out))
    return (await clients.policies.ExportPolicies(asked)).content


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _file(file_or_name: str) -> Path | None:
    path = Path(file_or_name)
    return path if path.is_file() else None


def _format(out: Path) -> "format_pb.FileFormat.ValueType":
    file_format = _FORMATS.get(out.suffix.lower())
    if file_format is None:
        raise InvalidInput.of("out", f'"{out.name}": expected a name that ends in .xlsx, .csv or, for matrices, .dmn')
    return file_format
