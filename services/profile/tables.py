"""The tables of schema `profile`: runs only. Who the customers are lies in the lake, and is looked up there."""

from shared.db.tables import schema_metadata
from shared.runs.tables import runs_tables

metadata = schema_metadata("profile")
RUNS = runs_tables(metadata)
