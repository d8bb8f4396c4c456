"""S-FEEL unary tests: the language of matrix cells. One parser and one tree; closures for one customer here, and SQL for the base
in `feel.sql`, which is imported by itself: it brings sqlglot along, a second that a server which answers has no use for.

The one null rule: a value that is not known (null) passes only `-` and the test `null`. It passes no comparison and no `not( … )`,
where FEEL has it pass `not("a")`: who is not known not to be meant gets no offer. An endpoint that is null (another field, a
city's parameter, a computed input) is no value to compare with: the comparison does not hold, so inside `not( … )` it bars
nothing. A computed input is null where anything in it is. Both back ends keep to it: tests/unit/recommendation/feel/test_nulls.py.
"""

from services.recommendation.engine.feel.check import check, check_literal
from services.recommendation.engine.feel.closure import Predicate, to_closure, to_predicate
from services.recommendation.engine.feel.parser import parse
from services.recommendation.engine.feel.problems import CellError, CellProblem, did_you_mean, listed
from services.recommendation.engine.feel.syntax import Anything, Literal, Not, Or, UnaryTests, constant_of
from services.recommendation.engine.feel.values import FieldType, Kind, Row, Value, YearsMonths

__all__ = [
    "Anything",
    "CellError",
    "CellProblem",
    "FieldType",
    "Kind",
    "Literal",
    "Not",
    "Or",
    "Predicate",
    "Row",
    "UnaryTests",
    "Value",
    "YearsMonths",
    "check",
    "check_literal",
    "constant_of",
    "did_you_mean",
    "listed",
    "parse",
    "to_closure",
    "to_predicate",
]
