"""Fires a matrix in DuckDB and compares with what the closure gave."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import duckdb

from services.recommendation.engine.feel import FieldType, Row, Value, YearsMonths
from services.recommendation.engine.feel.sql import literal_sql, sql_type
from services.recommendation.engine.matrix import DecisionTable, Firing, results
from services.recommendation.engine.matrix.hit_policies import LISTING
from services.recommendation.engine.matrix.sql import compile_sql, output_sql


class Columnar:
    """One in-memory database for a run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def difference(self, matrix: DecisionTable, fields: Mapping[str, FieldType], row: Row, firing: Firing) -> str:
        """Return in what the columnar engine differs from the closure, or nothing."""
        compiled = compile_sql(matrix)
        fired, ambiguous = self._one([compiled.fired, compiled.ambiguous or "FALSE"], _relation(fields, row))
        if ambiguous != firing.ambiguous:
            return f"the columnar engine finds the rules {'' if ambiguous else 'not '}ambiguous"
        if firing.ambiguous:
            return ""
        expected: object = list(firing.rules) if matrix.hit_policy in LISTING else next(iter(firing.rules), None)
        if fired != expected:
            return f"the columnar engine fires {fired} and the closure {expected}"
        return self._other_outputs(matrix, firing, f"(SELECT {compiled.fired} AS fired FROM {_relation(fields, row)})")

    def _other_outputs(self, matrix: DecisionTable, firing: Firing, relation: str) -> str:
        names = [output.name for output in matrix.outputs]
        found = self._one([output_sql(matrix, name, "fired") for name in names], relation)
        given = results(matrix, firing)
        lists = matrix.hit_policy in LISTING and matrix.aggregation is None
        for name, value in zip(names, found, strict=True):
            values = [_as_fetched(outputs[name]) for outputs in given]
            expected: object = values if lists else next(iter(values), None)
            if value != expected:
                return f"the columnar engine gives {value} as {name} and the closure {expected}"
        return ""

    def _one(self, expressions: Sequence[str], relation: str) -> tuple[object, ...]:
        (found,) = self._connection.execute(f"SELECT {', '.join(expressions)} FROM {relation}").fetchall()
        return tuple(found)


def _relation(fields: Mapping[str, FieldType], row: Row) -> str:
    """Return a relation of the one row, with all fields as typed columns."""
    columns = []
    for name, field in fields.items():
        constant = literal_sql(row.get(name), field).sql("duckdb")
        quoted = name.replace('"', '""')
        columns.append(f'CAST({constant} AS {sql_type(field)}) AS "{quoted}"')
    return f"(SELECT {', '.join(columns)})"


def _as_fetched(value: Value) -> object:
    """Return a value as DuckDB's client gives it: months as so many times thirty days."""
    return timedelta(days=30 * value.months) if isinstance(value, YearsMonths) else value
