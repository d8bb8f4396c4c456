"""Values as the TCK has them: plain ones, lists, and contexts; how they are read, compared and shown."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from xml.etree.ElementTree import Element

from services.recommendation.engine.feel import Kind, Value, YearsMonths
from services.recommendation.engine.feel.literals import (
    LiteralError,
    decode_date,
    decode_datetime,
    decode_duration,
    decode_time,
)
from services.recommendation.engine.feel.text import feel_text


@dataclass(frozen=True, slots=True)
class Untyped:
    """A value without xsi:type: what it is tells the model."""

    text: str


Tree = Value | Untyped | list["Tree"] | dict[str, "Tree"]

NAMESPACE = "{http://www.omg.org/spec/DMN/20160719/testcase}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class UnreadableError(ValueError):
    """A value of a test file is not what its type says."""


def _number(text: str) -> Value:
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation
    return number


def _boolean(text: str) -> Value:
    return {"true": True, "1": True, "false": False, "0": False}[text]


_NUMBERS = (
    "decimal",
    "double",
    "float",
    "integer",
    "int",
    "long",
    "short",
    "byte",
    "nonNegativeInteger",
    "positiveInteger",
)
_DECODERS: Mapping[str, Callable[[str], Value]] = {
    "string": str,
    "boolean": _boolean,
    "date": decode_date,
    "dateTime": decode_datetime,
    "time": decode_time,
    "duration": decode_duration,
    "dayTimeDuration": decode_duration,
    "yearMonthDuration": decode_duration,
    **dict.fromkeys(_NUMBERS, _number),
}


_BY_KIND: Mapping[Kind, Callable[[str], Value]] = {
    Kind.STRING: str,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: decode_date,
    Kind.DATETIME: decode_datetime,
    Kind.TIME: decode_time,
    Kind.DAYS_DURATION: decode_duration,
    Kind.MONTHS_DURATION: decode_duration,
}


def read_tree(element: Element) -> Tree:
    """Return what an inputNode, expected, item or component holds. Raises UnreadableError."""
    if element.get(f"{_XSI}nil") in {"true", "1"}:
        return None
    value, items = element.find(f"{NAMESPACE}value"), element.find(f"{NAMESPACE}list")
    components = element.findall(f"{NAMESPACE}component")
    if items is not None:
        return [read_tree(item) for item in items.findall(f"{NAMESPACE}item")]
    if components:
        return {component.get("name", ""): read_tree(component) for component in components}
    return None if value is None else _value(value)


def _value(element: Element) -> Value | Untyped:
    if element.get(f"{_XSI}nil") in {"true", "1"}:
        return None
    text = element.text or ""
    kind = element.get(f"{_XSI}type", "").rpartition(":")[2]
    return _decoded(text, kind, _DECODERS) if kind else Untyped(text)


def typed(value: Untyped, kind: Kind | None) -> Value:
    """Return the value as one of this kind; where that is not known, as what it looks like. Raises UnreadableError."""
    if kind:
        return _decoded(value.text, kind, _BY_KIND)
    for guess in (Kind.NUMBER, Kind.BOOLEAN, Kind.DATE):
        try:
            return _decoded(value.text, guess, _BY_KIND)
        except UnreadableError:
            continue
    return value.text


_Name = TypeVar("_Name", str, Kind)


def _decoded(text: str, kind: _Name, decoders: Mapping[_Name, Callable[[str], Value]]) -> Value:
    try:
        return decoders[kind](text if kind == "string" else text.strip())
    except (KeyError, InvalidOperation, LiteralError):
        raise UnreadableError(f'"{text}" is no {kind} that can be read') from None


def equal(expected: Tree, found: Tree) -> bool:
    """Tell whether both are the same value of the same kind; whole numbers and decimals are one kind."""
    if isinstance(expected, Untyped):
        return _equal_text(expected, found)
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(equal(expected[name], found[name]) for name in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(equal, expected, found))
    if isinstance(expected, int | Decimal) and isinstance(found, int | Decimal):
        return isinstance(expected, bool) == isinstance(found, bool) and expected == found
    return type(expected) is type(found) and expected == found


def _equal_text(expected: Untyped, found: Tree) -> bool:
    if found is None or isinstance(found, Untyped | list | dict):
        return False
    try:
        return equal(typed(expected, kind_of(found)), found)
    except UnreadableError:
        return False


def kind_of(value: Value) -> Kind:
    """Return the kind of a value."""
    match value:
        case None:
            return Kind.NULL
        case bool():
            return Kind.BOOLEAN
        case int() | Decimal():
            return Kind.NUMBER
        case _:
            return _KINDS[type(value)]


_KINDS: Mapping[type, Kind] = {
    str: Kind.STRING,
    date: Kind.DATE,
    datetime: Kind.DATETIME,
    time: Kind.TIME,
    timedelta: Kind.DAYS_DURATION,
    YearsMonths: Kind.MONTHS_DURATION,
}


def show(tree: Tree) -> str:
    """Return the value as FEEL writes it."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{name}: {show(value)}" for name, value in tree.items()) + "}"
    if isinstance(tree, list):
        return f"[{', '.join(map(show, tree))}]"
    return tree.text if isinstance(tree, Untyped) else feel_text(tree)


def paths(name: str, tree: Tree) -> Iterator[tuple[str, Value | Untyped | list[Tree]]]:
    """Yield each plain value and each list in the tree with its property path."""
    if isinstance(tree, dict):
        for part, value in tree.items():
            yield from paths(f"{name}.{part}", value)
    else:
        yield name, tree
