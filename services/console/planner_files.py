"""The planners' files of a cycle: a folder with a file for each matrix and the catalogue, or one workbook with all of them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb

from services.console.clients import Clients
from services.console.identity import request_id
from services.console.matrices import purpose_word, take_matrices
from services.console.runs import patient
from shared.errors import InvalidInput

NEEDED = ("priority", "retention", "new_service")
OPTIONAL = ("voice_usage", "vpmn")
POLICIES, PRODUCTS = "policies", "products"
_SUFFIXES = (".csv", ".xlsx")


@dataclass(frozen=True, slots=True)
class PlannerFiles:
    """Which file holds what; a workbook may stand in all places, the products being its sheet of that name.

    Without `products` those that policies name are sold without further ado.
    """

    matrices: Sequence[Path]
    policies: Path
    products: Path | None = None


def planner_files(planner: Path) -> PlannerFiles:
    """Return the files in a folder by their names, overrides as `retention.CITY.csv`, or the one workbook.

    Raises InvalidInput for what is missing or there twice.
    """
    if planner.is_file():
        return PlannerFiles([planner], planner)
    found = {name: _file(planner, name) for name in (*NEEDED, *OPTIONAL)}
    overrides = sorted(path for name in found for path in planner.glob(f"{name}.*.*") if path.suffix in _SUFFIXES)
    policies = _file(planner, POLICIES)
    missing = [name for name in NEEDED if found[name] is None]
    if missing or policies is None:
        missing += [] if policies else [POLICIES]
        raise InvalidInput.of(str(planner), f"expected the planners' files {', '.join(_names(missing))}")
    matrices = [path for name in (*NEEDED, *OPTIONAL) if (path := found[name]) is not None]
    return PlannerFiles([*matrices, *overrides], policies, _file(planner, PRODUCTS))


async def take_matrices_of(files: PlannerFiles, clients: Clients) -> tuple[str, ...]:
    """Take in the matrices and return the names of those that lists are made of.

    Raises InvalidInput with what is wrong in a file, and unless there is one of each that is needed.
    """
    taken: list[matrix_pb.Matrix] = []
    for path in files.matrices:
        taken += await patient(partial(take_matrices, path, clients))
    used = [matrix for matrix in taken if matrix.purpose != matrix_pb.MATRIX_PURPOSE_EXTRACTION]
    _check_purposes([matrix for matrix in used if not matrix.city])
    return tuple(matrix.name for matrix in used)


async def take_policies_of(files: PlannerFiles, cycle: str, clients: Clients) -> str:
    """Take in the catalogue and return its name. Raises InvalidInput with what is wrong in it."""
    content = _content(files.policies)
    products = _content(files.products) if files.products else b""
    asked = policy_pb.ImportPoliciesRequest(
        request_id=request_id(cycle, "policies", _digest(content), _digest(products)),
        content=content,
        file_name=files.policies.name,
        products_content=products,
        products_file_name=files.products.name if files.products else "",
    )
    return (await patient(partial(clients.policies.ImportPolicies, asked))).policy_catalogue


def _check_purposes(matrices: Iterable[matrix_pb.Matrix]) -> None:
    """Refuse before the base is touched what could not be assembled after it."""
    purposes = [purpose_word(matrix.purpose) for matrix in matrices]
    counts = Counter(purposes)
    if any(counts[name] != 1 for name in NEEDED) or any(counts[name] > 1 for name in OPTIONAL):
        expected = f"one matrix each of {', '.join(NEEDED)}, at most one each of {', '.join(OPTIONAL)}"
        raise InvalidInput.of("planner", f"expected {expected}; these are {', '.join(purposes) or 'none'}")


def _file(folder: Path, name: str) -> Path | None:
    found = [path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
    if len(found) > 1:
        raise InvalidInput.of(str(folder), f"expected one of {' and '.join(path.name for path in found)}, not both")
    return found[0] if found else None


def _names(missing: Sequence[str]) -> list[str]:
    return [f"{name}.csv or {name}.xlsx" for name in missing]


def _content(path: Path) -> bytes:
    return path.read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
