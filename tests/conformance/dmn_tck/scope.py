"""What a decision can name, and the mapping of FEEL's names and types onto ours.

FEEL allows white space and signs in names, and values without declared type; our fields have one-word names and a type.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.engine.dmn.model import Definitions, ItemDefinition
from services.recommendation.engine.feel import CellError, FieldType, Kind, Value, parse
from services.recommendation.engine.feel.syntax import Literal, Name, constant_of, endpoints
from tests.conformance.dmn_tck.trees import Tree, Untyped, kind_of, paths, typed

_KINDS = {
    "string": Kind.STRING,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "dateTime": Kind.DATETIME,
    "date and time": Kind.DATETIME,
    "time": Kind.TIME,
    "dayTimeDuration": Kind.DAYS_DURATION,
    "days and time duration": Kind.DAYS_DURATION,
    "yearMonthDuration": Kind.MONTHS_DURATION,
    "years and months duration": Kind.MONTHS_DURATION,
}
_STRING = re.compile(r'("(?:[^"\\]|\\.)*")', re.DOTALL)
_PLAIN_NAME = re.compile(r"(?!(?:not|true|false|null)\b)[^\W\d]\w*(?:\.[^\W\d]\w*)*")


def field_type(kind: Kind) -> FieldType:
    """Return the type of a column of this kind: numbers as wide as the columnar engine has them."""
    return FieldType.decimal(38, 10) if kind is Kind.NUMBER else FieldType(kind)


class Types:
    """The types of a model."""

    def __init__(self, definitions: Definitions) -> None:
        self._items = definitions.items

    def kind(self, type_ref: str, *path: str) -> Kind | None:
        """Return the kind of a type, or of a component of it; None where it is none of FEEL's plain types."""
        item = self._item(type_ref)
        for part in path:
            component = item.components.get(part) if item else None
            if component is None:
                return None
            type_ref, item = component.type_ref, component if component.components else self._item(component.type_ref)
        return _KINDS.get(item.type_ref if item else type_ref)

    def paths(self, name: str, type_ref: str, depth: int = 5) -> Iterator[str]:
        """Yield the property paths of all that a value of the type holds, and its own."""
        yield name
        item = self._item(type_ref)
        for part, component in (item.components if item and depth else {}).items():
            if component.components:
                yield from (f"{name}.{part}.{below}" for below in component.components)
            yield from self.paths(f"{name}.{part}", component.type_ref, depth - 1)

    def is_collection(self, type_ref: str) -> bool:
        """Tell whether values of the type are lists."""
        item = self._items.get(type_ref)
        return item is not None and (item.is_collection or self.is_collection(item.type_ref))

    def _item(self, type_ref: str) -> ItemDefinition | None:
        """Return the definition at the end of a chain of aliases."""
        item = self._items.get(type_ref)
        seen = {type_ref}
        while item and not item.components and item.type_ref in self._items and item.type_ref not in seen:
            seen.add(item.type_ref)
            item = self._items[item.type_ref]
        return item


@dataclass(frozen=True)
class Scope:
    """What a decision is told: as it is, its plain values and its lists of plain values by property path; the declared type of each
    name, and our word for each path."""

    trees: Mapping[str, Tree]
    values: Mapping[str, Value]
    lists: Mapping[str, Sequence[Value]]
    declared: Mapping[str, str]
    words: Mapping[str, str]

    @classmethod
    def of(cls, told: Mapping[str, Tree], declared: Mapping[str, str], types: Types) -> "Scope":
        """Return the scope of what is told, by the names and types of a model."""
        values: dict[str, Value] = {}
        lists: dict[str, Sequence[Value]] = {}
        for path, leaf in (pair for name, tree in told.items() for pair in paths(name, tree)):
            kind = _declared_kind(path, declared, types)
            if not isinstance(leaf, list):
                values[path] = _plain(leaf, kind)
            elif not any(isinstance(each, list | dict) for each in leaf):
                lists[path] = [_plain(each, kind) for each in leaf if not isinstance(each, list | dict)]
        known = [path for name, type_ref in declared.items() for path in types.paths(name, type_ref)]
        return cls(told, values, lists, declared, _words([*values, *lists, *known]))

    def in_our_words(self, text: str) -> str:
        """Return a cell with each name of FEEL that is none of ours replaced."""
        foreign = sorted((name for name, word in self.words.items() if name != word), key=len, reverse=True)
        if not foreign:
            return text
        pattern = re.compile(r"(?<![\w.])(?:" + "|".join(map(re.escape, foreign)) + r")(?!\w)")
        parts = _STRING.split(text)
        parts[::2] = [pattern.sub(lambda match: self.words[match.group()], part) for part in parts[::2]]
        return "".join(parts)

    def kind(self, path: str, types: Types) -> Kind | None:
        """Return the declared kind of what a path names, else that of its value, or None where neither is known."""
        if declared := _declared_kind(path, self.declared, types):
            return declared
        value = self.values.get(path)
        return None if value is None else kind_of(value)


def _plain(value: Value | Untyped, kind: Kind | None) -> Value:
    return typed(value, kind) if isinstance(value, Untyped) else value


def _declared_kind(path: str, declared: Mapping[str, str], types: Types) -> Kind | None:
    name = max((name for name in declared if f"{path}.".startswith(f"{name}.")), key=len, default=None)
    return None if name is None else types.kind(declared[name], *path.removeprefix(name).split(".")[1:])


def _words(names: Iterable[str]) -> Mapping[str, str]:
    words: dict[str, str] = {}
    for name in dict.fromkeys(names):
        word = name if _PLAIN_NAME.fullmatch(name) else re.sub(r"\W", "_", f"n_{name}")
        while word in words.values():
            word += "_"
        words[name] = word
    return words


def kind_in(texts: Iterable[str]) -> Kind | None:
    """Return the kind of the first constant in these cells that is not null."""
    for text in texts:
        try:
            tests = parse(text)
        except CellError:
            continue
        for point in endpoints(tests):
            if isinstance(point, Literal) and point.kind is not Kind.NULL:
                return point.kind
    return None


def named_by(texts: Iterable[str]) -> Iterable[str]:
    """Yield the names in these cells."""
    for text in texts:
        try:
            yield from (point.name for point in endpoints(parse(text)) if isinstance(point, Name))
        except CellError:
            continue


def constant(text: str) -> Literal | None:
    """Return the constant that is all a text says."""
    try:
        return constant_of(parse(text))
    except CellError:
        return None
