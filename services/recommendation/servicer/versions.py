"""Renders versions of matrices for the contract, and reads what requests say of them."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from visavis.recommendation.v1 import matrix_service_pb2 as pb

from services.recommendation.domain import Purpose, State, Step
from services.recommendation.ports import Seen, Version
from services.recommendation.use_cases.imports import MATRICES
from shared.errors import InvalidInput
from shared.rpc.names import resource_id

_Value = TypeVar("_Value")


def version_message(version: Version) -> pb.Matrix:
    """Return a version with its log."""
    matrix = version.matrix
    message = pb.Matrix(
        name=f"{MATRICES}/{matrix.matrix_id}",
        purpose=purpose_number(matrix.purpose),
        display_name=matrix.display_name,
        hit_policy=matrix.hit_policy,
        rule_count=matrix.rule_count,
        csv=matrix.csv,
        author=matrix.author,
        city=matrix.city,
        parent=f"{MATRICES}/{matrix.parent}" if matrix.parent else "",
        state=pb.Matrix.State.Value(f"STATE_{version.life.state.upper()}"),
        cycles=version.life.cycles,
        etag=version.etag,
        steps=map(_step, version.steps),
    )
    message.create_time.FromDatetime(matrix.create_time)
    return message


def listed_message(version: Version) -> pb.Matrix:
    """Return a version as lists have it: without its text, of which a page of a thousand would be too large to send."""
    message = version_message(version)
    message.ClearField("csv")
    return message


def purpose_number(purpose: Purpose) -> pb.MatrixPurpose.ValueType:
    return pb.MatrixPurpose.Value(f"MATRIX_PURPOSE_{purpose.upper()}")


def purpose_of(value: int) -> Purpose | None:
    """Return the purpose of an enum value, None where it is not given. Raises InvalidInput for an unknown one."""
    return _value_of(value, {purpose_number(purpose): purpose for purpose in Purpose}, field="purpose")


def state_of(value: int) -> State | None:
    """Return the state of an enum value, None where it is not given. Raises InvalidInput for an unknown one."""
    return _value_of(value, {pb.Matrix.State.Value(f"STATE_{state.upper()}"): state for state in State}, field="state")


def seen(name: str, etag: str, *, field: str = "name") -> Seen:
    """Return the version that a request is about. Raises InvalidInput."""
    return Seen(resource_id(MATRICES, name, field=field), etag)


def seen_all(versions: Iterable[pb.MatrixVersion], *, field: str) -> list[Seen]:
    """Return the versions that a request is about. Raises InvalidInput."""
    return [seen(version.name, version.etag, field=field) for version in versions]


def _value_of(value: int, values: Mapping[int, _Value], *, field: str) -> _Value | None:
    if value and value not in values:
        raise InvalidInput.of(field, f"{value} is none of the contract's values")
    return values.get(value)


def _step(step: Step) -> pb.MatrixStep:
    message = pb.MatrixStep(
        kind=pb.MatrixStep.Kind.Value(f"KIND_{step.kind.upper()}"),
        principal=step.principal,
        reason=step.reason,
        cycle=step.cycle,
        run=step.run,
    )
    message.time.FromDatetime(step.time)
    return message
