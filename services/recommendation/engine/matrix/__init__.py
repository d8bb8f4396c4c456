"""Matrices: DMN decision tables that planners keep, read from CSV, compiled to SQL for the base and closures for one row."""

from services.recommendation.engine.matrix.closure import (
    FailedCell,
    Firing,
    RuleExplanation,
    compile_closure,
    explain,
    results,
)
from services.recommendation.engine.matrix.csv_reader import read_csv
from services.recommendation.engine.matrix.sql import CompiledSql, compile_sql, output_sql
from services.recommendation.engine.matrix.table import (
    Cell,
    DecisionTable,
    HitPolicy,
    Input,
    Output,
    Outputs,
    Rule,
)

__all__ = [
    "Cell",
    "CompiledSql",
    "DecisionTable",
    "FailedCell",
    "Firing",
    "HitPolicy",
    "Input",
    "Output",
    "Outputs",
    "Rule",
    "RuleExplanation",
    "compile_closure",
    "compile_sql",
    "explain",
    "output_sql",
    "read_csv",
    "results",
]
