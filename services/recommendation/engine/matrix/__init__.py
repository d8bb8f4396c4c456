"""Matrices: DMN decision tables that planners keep, read from CSV, compiled to closures for one row, and by `matrix.sql`, which is
imported by itself for its weight, to SQL for the base.
"""

from services.recommendation.engine.matrix.closure import (
    FailedCell,
    Firing,
    RuleExplanation,
    compile_closure,
    completed,
    explain,
    results,
)
from services.recommendation.engine.matrix.csv_reader import read_csv
from services.recommendation.engine.matrix.table import (
    Aggregation,
    Cell,
    Computed,
    DecisionTable,
    HitPolicy,
    Input,
    Origin,
    Output,
    Outputs,
    Parameter,
    Rule,
)

__all__ = [
    "Aggregation",
    "Cell",
    "Computed",
    "DecisionTable",
    "FailedCell",
    "Firing",
    "HitPolicy",
    "Input",
    "Origin",
    "Output",
    "Outputs",
    "Parameter",
    "Rule",
    "RuleExplanation",
    "compile_closure",
    "completed",
    "explain",
    "read_csv",
    "results",
]
