"""DuckDB's spelling of Arrow types, and the checks of a relation's columns against a schema."""

import duckdb
import pyarrow as pa

from shared.lake.dataset import DatasetUnreadable
from shared.lake.engine import EngineFailure, Parameters

_SIMPLE: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.uint32(): "UINTEGER",
    pa.uint64(): "UBIGINT",
    pa.float32(): "FLOAT",
    pa.float64(): "DOUBLE",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    pa.timestamp("us", tz="UTC"): "TIMESTAMP WITH TIME ZONE",
}
_FLOATS = {"FLOAT", "DOUBLE"}


def quoted(name: str) -> str:
    """Return an identifier as SQL spells it."""
    return '"' + name.replace('"', '""') + '"'


def sql_type(arrow_type: pa.DataType) -> str:
    """Return the type that stores the Arrow type of a row message's column."""
    if isinstance(arrow_type, pa.Decimal128Type):
        return f"DECIMAL({arrow_type.precision},{arrow_type.scale})"
    if isinstance(arrow_type, pa.ListType):
        return f"{sql_type(arrow_type.value_type)}[]"
    if isinstance(arrow_type, pa.StructType):
        fields = [arrow_type.field(i) for i in range(arrow_type.num_fields)]
        return "STRUCT(" + ", ".join(f"{quoted(f.name)} {sql_type(f.type)}" for f in fields) + ")"
    return _SIMPLE[arrow_type]


def unified_select(connection: duckdb.DuckDBPyConnection, source: str, schema: pa.Schema, uri: str) -> str:
    """Return a SELECT of exactly the schema's columns from `source`: nulls for those it lacks, also inside records."""
    stored = _described(connection, f"SELECT * FROM {source}", None)
    wanted = _wanted(connection, schema)
    return f"SELECT {', '.join(_unified(field, stored, wanted, uri) for field in schema)} FROM {source}"


def written_columns(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters | None, schema: pa.Schema
) -> str:
    """Return the SELECT list that brings a query's columns into exactly those of the schema, in its order.

    Raises EngineFailure with all faults at once, where the query gives other columns.
    """
    given = _described(connection, sql, parameters)
    _check_columns(given, schema)
    wanted = _wanted(connection, schema)
    # The engine rebuilds every record that is cast, even to the type that it has.
    return ", ".join(quoted(f.name) if given[f.name] == wanted[f.name] else _cast(f) for f in schema)


def _check_columns(given: dict[str, str], schema: pa.Schema) -> None:
    faults = [f"column {name} is missing" for name in schema.names if name not in given]
    faults += [f"column {name} is not in the schema" for name in given if name not in schema.names]
    faults += [
        f"column {field.name} is exact, but the query gives {given[field.name]}: round it with a CAST"
        for field in schema
        if given.get(field.name) in _FLOATS and not pa.types.is_floating(field.type)
    ]
    if faults:
        raise EngineFailure("the query does not give the rows of the schema: " + "; ".join(faults))


def _described(connection: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters | None) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {sql}", parameters).fetchall()
    return {name: type_text for name, type_text, *_ in rows}


def _wanted(connection: duckdb.DuckDBPyConnection, schema: pa.Schema) -> dict[str, str]:
    return _described(connection, "SELECT " + ", ".join(_null(field) for field in schema), None)


def _unified(field: "pa.Field[pa.DataType]", stored: dict[str, str], wanted: dict[str, str], uri: str) -> str:
    if field.name not in stored:
        return _null(field)
    if stored[field.name] == wanted[field.name]:
        return quoted(field.name)
    if not pa.types.is_nested(field.type):
        text = f"{uri}: column {field.name} is {stored[field.name]}, expected {wanted[field.name]}"
        raise DatasetUnreadable(text, uri=uri)
    # Records are cast by member name: a member added since is null.
    return _cast(field)


def _cast(field: "pa.Field[pa.DataType]") -> str:
    return f"CAST({quoted(field.name)} AS {sql_type(field.type)}) AS {quoted(field.name)}"


def _null(field: "pa.Field[pa.DataType]") -> str:
    return f"CAST(NULL AS {sql_type(field.type)}) AS {quoted(field.name)}"
