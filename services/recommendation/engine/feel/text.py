"""Writes a value as S-FEEL, for people who read an explanation beside the matrix."""

from datetime import date, datetime
from decimal import Decimal

from services.recommendation.engine.feel.values import Value

_CONSTANTS = {None: "null", True: "true", False: "false"}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def feel_text(value: Value) -> str:
    """Return the literal of a value that fields of contracts have: `null`, `true`, `86.50`, `"GoTone"`, `date("2026-11-01")`.

    Raises TypeError for instants and durations, which no field has.
    """
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, int | Decimal):
        return f"{Decimal(value):f}"
    if isinstance(value, date) and not isinstance(value, datetime):
        return f'date("{value.isoformat()}")'
    raise TypeError(f"no field of a contract holds a {type(value).__name__}")
