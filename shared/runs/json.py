"""Frozen dataclasses as the JSON of a run's request or of a stage's output, and back, exactly."""

from typing import TypeVar, cast

from pydantic import TypeAdapter

from shared.jsontypes import JsonObject

_Value = TypeVar("_Value")


def to_json(value: object) -> JsonObject:
    """Return a dataclass as a JSON object; dates and decimals become text."""
    return cast("JsonObject", TypeAdapter(type(value)).dump_python(value, mode="json"))


def from_json(kind: type[_Value], stored: JsonObject) -> _Value:
    """Return the `kind` that `to_json` made `stored` of. Raises pydantic.ValidationError, a ValueError, for anything else."""
    adapter: TypeAdapter[_Value] = TypeAdapter(kind)
    return adapter.validate_python(stored)
