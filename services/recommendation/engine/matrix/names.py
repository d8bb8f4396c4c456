"""What the words of a matrix mean: fields by name or title, parameters, and lists, whose values stand where they are named."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from services.recommendation.engine.feel import (
    Anything,
    CellError,
    CellProblem,
    FieldType,
    Literal,
    UnaryTests,
    check_literal,
    did_you_mean,
)
from services.recommendation.engine.feel.syntax import Compare, Endpoint, Name, Operator, Range, Test, endpoints
from services.recommendation.engine.matrix.csv_words import folded
from services.recommendation.engine.matrix.table import Parameter

_NAME = re.compile(r"(?!(?:not|true|false|null)\Z)[^\W\d]\w*")


def is_name(word: str) -> bool:
    """Tell whether a matrix may give this name to a parameter, a list or an input that it computes."""
    return _NAME.fullmatch(word) is not None


@dataclass(frozen=True, slots=True)
class Names:
    """The words of one matrix. `fields` are those of the row and the computed ones; `words` finds them by folded name or title."""

    fields: Mapping[str, FieldType]
    words: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    lists: Mapping[str, tuple[Literal, ...]]

    @classmethod
    def of(
        cls,
        fields: Mapping[str, FieldType],
        *,
        parameters: Mapping[str, Parameter] | None = None,
        lists: Mapping[str, tuple[Literal, ...]] | None = None,
    ) -> "Names":
        """Return the words; a name goes before another field's title."""
        titles = {folded(field.title): name for name, field in fields.items() if field.title}
        return cls(fields, titles | {folded(name): name for name in fields}, parameters or {}, lists or {})

    def field(self, word: str) -> str | None:
        """Return the name of the field that a header or an endpoint calls by its name or its title."""
        return self.words.get(folded(word))

    @property
    def endpoints(self) -> Mapping[str, FieldType]:
        """What an endpoint may name, once lists and titles are out of it."""
        titled = {field.title: field for field in self.fields.values() if field.title}
        return {
            **titled,
            **self.fields,
            **{name: parameter.type for name, parameter in self.parameters.items()},
        }

    def meant(self, text: str, tests: UnaryTests) -> UnaryTests:
        """Return the tests with fields by their names, and the values of a list in the place of its name.

        Raises CellError, with the cell's `text`, for a list that is compared, and a word that is nearly one of a list.
        """
        if isinstance(tests, Anything):
            return tests
        for point in endpoints(tests):
            if isinstance(point, Name):
                self._refuse(text, point)
        return replace(tests, tests=tuple(meant for test in tests.tests for meant in self._meant(text, test)))

    def parameter_problems(self, text: str, tests: UnaryTests, column: FieldType) -> Iterator[CellProblem]:
        """Yield what is wrong with the values of parameters that the tests name as values of the column."""
        for point in endpoints(tests):
            if isinstance(point, Name) and (parameter := self.parameters.get(point.name)):
                yield from (CellProblem(text, point.at + 1, why) for why in _value_problems(parameter, column))

    def _meant(self, text: str, test: Test) -> Iterator[Test]:
        if isinstance(test, Range):
            yield replace(test, low=self._point(text, test.low), high=self._point(text, test.high))
        elif test.operator is Operator.EQUAL and isinstance(test.endpoint, Name) and test.endpoint.name in self.lists:
            for literal in self.lists[test.endpoint.name]:
                yield Compare(Operator.EQUAL, replace(literal, at=test.endpoint.at))
        else:
            yield replace(test, endpoint=self._point(text, test.endpoint))

    def _point(self, text: str, point: Endpoint) -> Endpoint:
        if not isinstance(point, Name):
            return point
        if point.name in self.lists:
            why = f"{point.name} is a list: it stands by itself, among alternatives or in not({point.name}), and has no order"
            raise CellError(CellProblem(text, point.at + 1, why))
        own = self.parameters.keys() | self.fields.keys()
        return point if point.name in own else replace(point, name=self.field(point.name) or point.name)

    def _refuse(self, text: str, point: Name) -> None:
        declared = {*self.lists, *self.parameters}
        if point.name in declared or self.field(point.name) or point.name.lower() in {"true", "false", "null"}:
            return
        if near := did_you_mean(point.name, declared):
            raise CellError(
                CellProblem(text, point.at + 1, f"no list, parameter or field is called {point.name}{near}")
            )


def _value_problems(parameter: Parameter, column: FieldType) -> Iterator[str]:
    if parameter.type.kind is not column.kind:
        return  # said of the parameter's type already
    for city, value in [("", parameter.value), *parameter.by_city.items()]:
        if problem := check_literal(Literal(column.kind, value), column):
            yield f"the parameter {parameter.name}{f' in {city}' if city else ''}: {problem}"
