"""Prints versions of matrices, their log, what holds, and what differs."""

from collections.abc import Iterable, Sequence

from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb

from services.console.matrices import purpose_word
from services.console.render.output import Output, enum_word, local_time


def print_matrices(title: str, matrices: Sequence[matrix_pb.Matrix], output: Output) -> None:
    """Print versions, one a row."""
    if output.message(matrix_pb.ListMatricesResponse(matrices=matrices)):
        return
    columns = ("name", "purpose", "city", "state", "cycles", "hit policy", "rules", "taken in", "by", "matrix")
    rows = [
        (
            matrix.display_name,
            purpose_word(matrix.purpose),
            matrix.city,
            state_word(matrix),
            ", ".join(matrix.cycles),
            matrix.hit_policy,
            matrix.rule_count,
            local_time(matrix.create_time),
            matrix.author,
            matrix.name,
        )
        for matrix in matrices
    ]
    output.table(title, columns, rows)


def state_word(matrix: matrix_pb.Matrix) -> str:
    """Return how far a version has come: `approved`."""
    return enum_word(matrix_pb.Matrix.State.Name(matrix.state), "STATE_")


def whose(matrix: matrix_pb.Matrix) -> str:
    """Return what a version is for people: `retention of 合肥 "…"`."""
    city = f" of {matrix.city}" if matrix.city else ""
    return f'{purpose_word(matrix.purpose)}{city} "{matrix.display_name}" ({matrix.name})'


def print_version(matrix: matrix_pb.Matrix, output: Output) -> None:
    """Print where one version stands, and what has happened to it."""
    output.facts(
        whose(matrix),
        {
            "state": state_word(matrix),
            "published for": ", ".join(matrix.cycles),
            "edited from": matrix.parent,
            "hit policy": matrix.hit_policy,
            "taken in": f"{local_time(matrix.create_time)} by {matrix.author}",
            "etag": matrix.etag,
        },
    )
    columns = ("when", "what", "cycle", "who", "why", "more")
    steps = [
        (
            local_time(step.time),
            enum_word(matrix_pb.MatrixStep.Kind.Name(step.kind), "KIND_"),
            step.cycle,
            step.principal,
            step.reason,
            step.run,
        )
        for step in matrix.steps
    ]
    if steps:
        output.table("Log", columns, steps)


def print_effective(found: matrix_pb.GetEffectiveMatrixResponse, output: Output) -> None:
    """Print what holds, row by row, and where each row comes from: `芜湖 row 4 for 12` stands in place of the province's row 12."""
    for parameter in found.parameters:
        by_city = "".join(f", {city}: {value}" for city, value in sorted(parameter.by_city.items()))
        output.line(f"  parameter {parameter.name} = {parameter.value}{by_city}")
    composed = len(found.matrices) > 1
    columns = ("row", *(["from"] if composed else []), *found.inputs, *(f"=> {name}" for name in found.outputs), "note")
    rows = [(row.row, *([_source(row)] if composed else []), *row.cells, *row.outputs, row.note) for row in found.rows]
    output.table(f"Rows ({found.hit_policy})", columns, rows)


def _source(row: matrix_pb.EffectiveRow) -> str:
    where = f"{row.city or 'province'} row {row.matrix_row}"
    return f"{where} for {row.replaces}" if row.replaces else where


def print_differences(found: matrix_pb.DiffMatricesResponse, output: Output) -> None:
    """Print what differs, cell by cell."""
    lines = [(line.line, line.old_text, line.new_text) for line in found.lines]
    lines += [("column", name, "") for name in found.removed_columns]
    lines += [("column", "", name) for name in found.added_columns]
    if lines:
        output.table("Above the rules", ("what", "old", "new"), lines)
    output.table("Rules", ("rule", "old row", "new row", "column", "old", "new"), list(_changes(found.rows)))
    output.line(f"{found.same_count} rules are the same.")


def _changes(rows: Iterable[matrix_pb.RowChange]) -> Iterable[tuple[object, ...]]:
    """Yield a line for each cell; the rule is named on the first one only."""
    for row in rows:
        kind = "removed" if not row.new_row else "added" if not row.old_row else "changed" if row.cells else "moved"
        first: tuple[object, ...] = (kind, row.old_row or "", row.new_row or "")
        for cell in row.cells or [matrix_pb.CellChange()]:
            yield (*first, cell.column, cell.old_text, cell.new_text)
            first = ("", "", "")
