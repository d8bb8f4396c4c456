"""The tables that runs and their finished stages are stored in, in the schema of each service that has runs."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, MetaData, Row, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import create_tables, schema_metadata
from shared.runs.domain import Run, RunFailure, RunState


@dataclass(frozen=True, slots=True)
class RunTables:
    """`runs`, one row per run; `run_stages`, one row per finished stage."""

    runs: Table
    stages: Table

    @property
    def lock_namespace(self) -> str:
        """The advisory locks of workers: those of another service's runs are others."""
        return self.runs.fullname


def runs_tables(metadata: MetaData) -> RunTables:
    """Declare both tables in the schema of `metadata`."""
    runs = Table(
        "runs",
        metadata,
        Column("run_id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("request", JSONB, nullable=False),
        Column("principal", Text, nullable=False),
        Column("traceparent", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempt", BigInteger, nullable=False),
        Column("stage", Text, nullable=False),
        Column("done", BigInteger, nullable=False),
        Column("total", BigInteger, nullable=False),
        Column("result", JSONB, nullable=False),
        Column("failure_reason", Text),
        Column("failure_message", Text),
        Column("create_time", DateTime(timezone=True), nullable=False),
        Column("start_time", DateTime(timezone=True)),
        Column("end_time", DateTime(timezone=True)),
        Index("ix_runs_kind_create_time_run_id", "kind", "create_time", "run_id"),
        Index("ix_runs_open", "create_time", postgresql_where=text("state IN ('PENDING', 'RUNNING')")),
    )
    stages = Table(
        "run_stages",
        metadata,
        Column("run_id", Text, ForeignKey(runs.c.run_id, ondelete="CASCADE"), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("output", JSONB, nullable=False),
        Column("units", BigInteger, nullable=False),
        Column("attempt", BigInteger, nullable=False),
        Column("end_time", DateTime(timezone=True), nullable=False),
    )
    return RunTables(runs, stages)


def create_run_tables(schema: str) -> None:
    """Create both tables in a migration."""
    metadata = schema_metadata(schema)
    runs_tables(metadata)
    create_tables(metadata)


def run_of(row: Row[tuple[object, ...]]) -> Run:
    """Build a run from a whole row of `runs`."""
    failed = row.failure_reason is not None
    return Run(
        run_id=row.run_id,
        kind=row.kind,
        request=row.request,
        state=RunState(row.state),
        stage=row.stage,
        done=row.done,
        total=row.total,
        result=row.result,
        failure=RunFailure(row.failure_reason, row.failure_message) if failed else None,
        create_time=row.create_time,
        start_time=row.start_time,
        end_time=row.end_time,
        traceparent=row.traceparent,
        principal=row.principal,
    )
