"""The tables of schema `scoring`: models and scores lie in the lake, so that only runs are here."""

from shared.db.tables import schema_metadata
from shared.runs.tables import runs_tables

metadata = schema_metadata("scoring")
RUNS = runs_tables(metadata)
