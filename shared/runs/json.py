"""Frozen dataclasses as the JSON of a run's request or of a stage's output, and back, exactly."""

from collections.abc import Hashable
from functools import cache
from typing import TypeVar, cast

from pydantic import TypeAdapter

from shared.jsontypes import JsonObject

_Value = TypeVar("_Value")


def to_json(value: object) -> JsonObject:
    """Return a dataclass as a JSON object; dates and decimals become text."""
    return cast("JsonObject", _adapter(cast("Hashable", type(value))).dump_python(value, mode="json"))


def from_json(kind: type[_Value], stored: JsonObject) -> _Value:
    """Return the `kind` that `to_json` made `stored` of. Raises pydantic.ValidationError, a ValueError, for anything else."""
    return cast("_Value", _adapter(cast("Hashable", kind)).validate_python(stored))


@cache
def _adapter(kind: Hashable) -> TypeAdapter[object]:
    """To build one for every call would take a third of a call for a run's status."""
    return TypeAdapter(cast("type[object]", kind))
