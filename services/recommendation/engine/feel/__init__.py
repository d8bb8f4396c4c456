"""S-FEEL unary tests: the language of matrix cells. One parser and one tree; SQL for the base, closures for one customer."""

from services.recommendation.engine.feel.check import check, check_literal
from services.recommendation.engine.feel.closure import Predicate, to_closure, to_predicate
from services.recommendation.engine.feel.parser import parse
from services.recommendation.engine.feel.problems import CellError, CellProblem, did_you_mean, listed
from services.recommendation.engine.feel.sql import DIALECT, literal_sql, sql_type, to_sql
from services.recommendation.engine.feel.syntax import Anything, Literal, Not, Or, UnaryTests, constant_of
from services.recommendation.engine.feel.values import FieldType, Kind, Row, Value, YearsMonths

__all__ = [
    "DIALECT",
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
    "literal_sql",
    "parse",
    "sql_type",
    "to_closure",
    "to_predicate",
    "to_sql",
]
