"""Prints why a customer has a list: the answer in words, then the terms, then how each matrix met the customer."""

from collections.abc import Iterator, Mapping, Sequence

from visavis.recommendation.v1 import explanation_pb2 as explanation_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb

from services.console.render.output import Output, enum_word, local_time

_FEN = 100
_TERMS = ("probability", "margin", "weight", "affinity")
_LOST = {
    "tier": "harder product",
    "place": "planner's order",
    "code": "equal value, by code",
    "probability": "less need",
    "margin": "lower margin",
    "weight": "lower weight",
    "affinity": "no affinity",
}


def print_explanation(
    answer: recommendation_pb.ExplainPolicyListResponse,
    models: Mapping[str, model_pb.Model],
    output: Output,
    *,
    only: str = "",
) -> None:
    """Print an explanation; `models` are those of its scores that could be read, `only` names the one matrix that is wanted."""
    for line in in_words(answer):
        output.line(line)
    if answer.weighed:
        _print_terms(answer, output)
    for matrix in answer.matrices:
        if only in {"", matrix.purpose}:
            _print_matrix(matrix, output)
    _print_versions(answer, models, output)


def in_words(answer: recommendation_pb.ExplainPolicyListResponse) -> Iterator[str]:
    """Yield the answer in sentences that a hotline agent can read out."""
    if answer.reject_reason:
        yield f"This customer has no list in {answer.cycle}: {answer.reject_reason}."
    elif answer.withheld_reason:
        yield f"The list of {answer.cycle} is there, but nothing of it is offered: {answer.withheld_reason}."
    else:
        yield f"The list of {answer.cycle}, switched in {local_time(answer.switch_time)}."
    yield from _zones(answer)
    for blocked in answer.blocked:
        detail = f" ({blocked.detail})" if blocked.detail else ""
        by = f", for the sake of {blocked.by}" if blocked.by and blocked.by not in blocked.reason else ""
        yield f"Not offered: {blocked.policy}, as {blocked.reason}{by}{detail}."
    yield from _standing(answer.standing)
    if not answer.replays:
        yield "ASSEMBLED AGAIN, IT IS ANOTHER LIST: tell operations."


def _zones(answer: recommendation_pb.ExplainPolicyListResponse) -> Iterator[str]:
    if answer.zone_order:
        order = ", then ".join(_zone(zone) for zone in answer.zone_order)
        yield f"Zones: {order}{_because(_fired(answer, 'priority', ''))}."
    for zone in answer.zone_order:
        given = [found for found in answer.given if found.zone == zone]
        if given:
            fired = _fired(answer, given[0].matrix, given[0].product)
            others = ", ".join(found.policy for found in given[1:])
            yield f"{_zone(zone).capitalize()}: {given[0].policy}{_because(fired)}{f'; then {others}' if others else ''}."


def _fired(
    answer: recommendation_pb.ExplainPolicyListResponse, purpose: str, product: str
) -> tuple[recommendation_pb.MatrixExplanation, explanation_pb.FiredRow] | None:
    """Return the first row that fired of the matrix that decided."""
    for matrix in answer.matrices:
        if (matrix.purpose, matrix.product) == (purpose, product) and matrix.fired:
            return matrix, matrix.fired[0]
    return None


def _because(found: tuple[recommendation_pb.MatrixExplanation, explanation_pb.FiredRow] | None) -> str:
    if found is None:
        return ""
    matrix, row = found
    note = f", “{row.note}”" if row.note else ""
    return f", by {_row(row)} of “{matrix.display_name}”{note}"


def row_words(matrix: recommendation_pb.MatrixExplanation, number: int) -> str:
    """Return where a row that fired stands, given its number in lists."""
    return next((_row(row) for row in matrix.fired if row.row == number), f"row {number}")


def _row(row: explanation_pb.FiredRow) -> str:
    if not row.matrix_row:
        return "the default outputs"
    return f"row {row.matrix_row} of {row.city}'s override" if row.city else f"row {row.matrix_row}"


def _standing(standing: explanation_pb.ContactStanding) -> Iterator[str]:
    """Yield what holds now; channels of which the same holds are told together."""
    if standing.missing:
        yield f"Whether a contact may leave now is not known: {standing.missing}."
    told: dict[str, list[str]] = {}
    for check in standing.channels:
        until = f" until {local_time(check.until_time)}" if check.HasField("until_time") else ""
        words = "may be contacted" if check.allowed else f"no contact{until}: {check.reason or check.rule}"
        told.setdefault(words, []).append(check.channel.replace("_", " "))
    for words, channels in told.items():
        yield f"Now, by {', '.join(channels)}: {words}."
    if standing.expired_policies:
        yield f"No longer offered today: {', '.join(standing.expired_policies)}."


def _print_terms(answer: recommendation_pb.ExplainPolicyListResponse, output: Output) -> None:
    columns = (
        "zone",
        "place",
        "policy",
        "tier",
        "need",
        "margin, yuan",
        "weight",
        "affinity",
        "value, yuan",
        "behind",
        "by",
    )
    rows = []
    for found in answer.weighed:
        terms = {term.term: f"{term.value or 'not known'}{'' if term.counts else ' (off)'}" for term in found.terms}
        rows.append((
            _zone(found.zone),
            str(found.rank or "blocked"),
            found.policy,
            found.tier,
            *(terms.get(name, "") for name in _TERMS),
            f"{found.value_fen / _FEN:.2f}",
            found.behind,
            found.blocked_by.replace("_", " ") or _LOST.get(found.lost_by, ""),
        ))  # fmt: skip
    output.table("What was found, and what it is worth: need x margin x weight x affinity", columns, rows)


def _print_matrix(matrix: recommendation_pb.MatrixExplanation, output: Output) -> None:
    about = f" for {matrix.product}" if matrix.product else ""
    rows = ", ".join(f"{_row(row)}{_gives(row)}" for row in matrix.fired)
    output.line(f"{matrix.display_name}{about}: {f'fired: {rows}' if rows else 'no row fired'}", style="bold")
    output.line(f"  on {', '.join(f'{value.input} = {value.value}' for value in matrix.inputs)}")
    if matrix.near_rows:
        near = [
            (_row(row.row), _gives(row.row).strip(" →"), _failed(row), _differs(row, matrix))
            for row in matrix.near_rows
        ]
        output.table(
            "  Rows that came near", ("row", "would give", "cells that failed", "what would have had to differ"), near
        )


def _gives(row: explanation_pb.FiredRow) -> str:
    given = ", ".join(value for _, value in sorted(row.gives.items()) if value)
    return f" → {given or 'nothing'}"


def _failed(row: explanation_pb.NearRow) -> str:
    return "; ".join(f"{cell.input} {cell.value}, cell {cell.cell}" for cell in row.failed_cells)


def _differs(row: explanation_pb.NearRow, matrix: recommendation_pb.MatrixExplanation) -> str:
    if row.overtaken_by:
        return f"nothing: {row_words(matrix, row.overtaken_by)} came first"
    return row.obstacle or "; ".join(f"{change.input} {change.value} -> {change.wanted}" for change in row.changes)


def _print_versions(
    answer: recommendation_pb.ExplainPolicyListResponse, models: Mapping[str, model_pb.Model], output: Output
) -> None:
    pinned = answer.circumstances
    switches = {
        "need": pinned.weighs_probability,
        "margin": pinned.weighs_margin,
        "weight": pinned.weighs_weight,
        f"affinity +{pinned.affinity_percent} %": bool(pinned.affinity_percent),
        "combinations once": pinned.combinations_once,
    }
    off = [name for name, counts in switches.items() if not counts]
    facts = {
        "lists": answer.assembly_run,
        "views": answer.snapshot,
        "scores": answer.scoring_run,
        "models": ", ".join(_model(name, models.get(name)) for name in answer.models),
        "arm": answer.arm,
        "rules as of": pinned.day,
        "what counts": ", ".join(name for name, counts in switches.items() if counts),
        "switched off": ", ".join(name.partition(" +")[0] for name in off),
        "assembled again": "the same list" if answer.replays else "ANOTHER LIST: tell operations",
    }
    output.facts("Made of", facts)
    columns = ("rules", "name", "city", "state then", "by", "approved by", "version")
    output.table("By the rules", columns, [_version(version) for version in answer.versions])


def _version(version: explanation_pb.RuleVersion) -> Sequence[str]:
    approved = [step.principal for step in version.steps if step.kind == "approved"]
    return (
        version.purpose or "policies",
        version.display_name,
        version.city,
        version.state,
        version.author,
        approved[-1] if approved else "",
        version.name,
    )


def _model(name: str, model: model_pb.Model | None) -> str:
    if model is None:
        return name
    kind = enum_word(model_pb.ModelKind.Name(model.kind), "MODEL_KIND_")
    return f"{' '.join(filter(None, (kind, model.product)))} ({name})"


def _zone(zone: policy_pb.Zone.ValueType) -> str:
    return enum_word(policy_pb.Zone.Name(zone), "ZONE_")
