"""The ledger of planted faults: one JSON line each, beside the extracts and never among them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from services.sandbox.extracts.dirt.kinds import Dirt


@dataclass(frozen=True, slots=True)
class Fault:
    """One planted fault. `line` counts from 1: in CSV the heading is line 1, in Parquet the first row; null where the
    fault is that there is no line. `column` is our name, empty where the whole row or file is the fault, and
    `other_column` what it was swapped with; `customer_id` is whose row it was before."""

    table: str
    file: str
    line: int | None
    column: str
    kind: Dirt
    customer_id: str = ""
    month: str = ""
    other_column: str = ""


def write_ledger(faults: Iterable[Fault], path: Path) -> None:
    """Write it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(fault), ensure_ascii=False) + "\n" for fault in faults)
    aside.replace(path)


def read_ledger(path: Path) -> list[Fault]:
    """Read what `write_ledger` wrote."""
    lines = path.read_text("utf-8").splitlines()
    return [Fault(**{**(entry := json.loads(line)), "kind": Dirt(entry["kind"])}) for line in lines]
