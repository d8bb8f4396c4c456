"""DMN, the standard's XML for decision tables: matrices go out as files that dmn-js opens, and come in from any tool as sheets."""

from services.recommendation.engine.dmn.describe import Matrix, describe
from services.recommendation.engine.dmn.intake import decision_sheets
from services.recommendation.engine.dmn.markup import is_xml
from services.recommendation.engine.dmn.read import read_definitions
from services.recommendation.engine.dmn.sheet import DecisionSheet, decision_sheet, place_of
from services.recommendation.engine.dmn.write import write_definitions

__all__ = [
    "DecisionSheet",
    "Matrix",
    "decision_sheet",
    "decision_sheets",
    "describe",
    "is_xml",
    "place_of",
    "read_definitions",
    "write_definitions",
]
