"""Schemas at rest of what never leaves this service: taken tables, rejects, the index of numbers."""

from collections.abc import Mapping

import pyarrow as pa

from services.profile.domain.source_tables import Kind, SourceColumn, SourceTable

_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.NUMBER: pa.int32(),
    Kind.MSISDN: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.MONTH: pa.string(),
    Kind.MONEY: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
_DECIMAL_DIGITS = 18


def _required(columns: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema([pa.field(name, arrow_type, nullable=False) for name, arrow_type in columns.items()])


LINE_REJECT = _required(
    {
        "file": pa.string(),
        "line": pa.int64(),
        "position": pa.int32(),
        "column": pa.string(),
        "value": pa.string(),
        "reason": pa.string(),
    }
)
"""One bad cell or row of one file."""

NUMBERED_REJECT = LINE_REJECT.insert(0, pa.field("number", pa.int64(), nullable=False))
"""The rejects of all files, counted from 1 in file and line order."""

NUMBER_HOLDER = _required({"msisdn": pa.string(), "customer_id": pa.string()})
"""Who holds a number, by number."""


IDENTITY = _required({"customer_id": pa.string(), "msisdn": pa.string(), "since": pa.date32()}).append(
    pa.field("until", pa.date32())
)
"""A time for which a customer held a number; `until` is the first day of which that is not true, null while it lasts."""


def stored_schema(table: SourceTable) -> pa.Schema:
    """Return the schema of a taken table."""
    return pa.schema([pa.field(c.stored_name, _arrow_type(c), nullable=c.optional) for c in table.columns])


def schema_name(table: SourceTable) -> str:
    """Return what a taken table's rows are called; no proto message declares them."""
    return f"visavis.profile.internal.{table.name.title().replace('_', '')}"


def _arrow_type(column: SourceColumn) -> pa.DataType:
    return pa.decimal128(_DECIMAL_DIGITS, column.scale) if column.kind is Kind.DECIMAL else _TYPES[column.kind]
