"""All SQL of recommendation."""

from services.recommendation.postgres.desk import PostgresDesk
from services.recommendation.postgres.logbook import PostgresLogbook, record_check
from services.recommendation.postgres.rulebook import PostgresRulebook
from services.recommendation.postgres.runs import PostgresRuns
from services.recommendation.postgres.switches import PostgresSwitches

__all__ = ["PostgresDesk", "PostgresLogbook", "PostgresRulebook", "PostgresRuns", "PostgresSwitches", "record_check"]
