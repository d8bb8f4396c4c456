"""Takes the decision tables of a file in, as sheets with names of their own."""

from collections.abc import Sequence
from dataclasses import replace

from services.recommendation.engine.dmn.read import read_definitions
from services.recommendation.engine.dmn.sheet import DecisionSheet, decision_sheet
from services.recommendation.engine.feel import listed
from shared.errors import InvalidInput, Violation


def decision_sheets(content: bytes, *, file_name: str, purposes: Sequence[str]) -> Sequence[DecisionSheet]:
    """Return the sheet of each decision that has a table; other decisions are passed over.

    Raises InvalidInput for a file that is no DMN or has no table, and with all that is wrong with the form of its tables.
    """
    definitions = read_definitions(content, where=file_name or "content")
    decisions = [decision for decision in definitions.decisions if decision.table]
    if not decisions:
        names = [decision.name for decision in definitions.decisions]
        raise InvalidInput.of(
            file_name or "content", f"no decision in it has a decisionTable; it has {listed(names) or 'no decision'}"
        )
    sheets: list[DecisionSheet] = []
    violations: list[Violation] = []
    for decision in decisions:
        try:
            sheets.append(_named_apart(decision_sheet(decision, purposes=purposes), decision.id, sheets))
        except InvalidInput as error:
            violations += error.violations
    if violations:
        raise InvalidInput([replace(each, field=_in_file(each.field, file_name)) for each in violations])
    return sheets


def _named_apart(sheet: DecisionSheet, decision_id: str, others: Sequence[DecisionSheet]) -> DecisionSheet:
    """Return the sheet under the name of its decision, and its id where another decision has that name."""
    taken = {other.decision for other in others}
    return replace(sheet, decision=f"{sheet.decision} ({decision_id})") if sheet.decision in taken else sheet


def _in_file(field: str, file_name: str) -> str:
    return f"{file_name}, {field}" if file_name else field
