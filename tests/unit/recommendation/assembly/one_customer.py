"""Assembles the list of one customer by rules that a test writes down."""

from collections.abc import Sequence
from datetime import date

from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import PolicyList, Rejected
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.assembly.single import assemble
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.rulebook import read_matrix
from shared.lake.messages import messages_to_table
from tests.factories.recommendation import (
    catalogue_csv,
    matrix_csv,
    products_csv,
    scores,
    view,
)

ANYBODY = [["-", "retention", "new_service"]]


def rules_of(
    *policies: dict[str, str],
    new_service: Sequence[Sequence[str]] = (("-", ""),),
    retention: Sequence[str] = ("-", "", ""),
    priority: Sequence[Sequence[str]] = ANYBODY,
    hit_policy: str = "FIRST",
    voice_usage: Sequence[Sequence[str]] = (),
    voice_hit_policy: str = "COLLECT",
    voice_values: Sequence[str] = (),
    vpmn: str = "",
    products: Sequence[dict[str, str]] = (),
    most_at_once: int = 3,
) -> Rules:
    fields = matrix_fields()
    ranked = [["values", "policy", *voice_values]] if voice_values else []
    voice_csv = matrix_csv("voice_usage", voice_hit_policy, ["arpu", "=> policy"], voice_usage, declared=ranked)
    vpmn_csv = matrix_csv("vpmn", "FIRST", ["vpmn_member", "=> policy"], [["false", vpmn]])
    return Rules(
        priority=read_matrix(
            matrix_csv("priority", "FIRST", ["arpu", "=> first", "=> second"], priority), fields=fields
        ),
        retention=read_matrix(
            matrix_csv("retention", "FIRST", ["arpu", "=> policy_group", "=> main_policy"], [retention]), fields=fields
        ),
        new_service=read_matrix(
            matrix_csv("new_service", hit_policy, ["product", "=> policy"], new_service), fields=fields
        ),
        voice_usage=read_matrix(voice_csv, fields=fields) if voice_usage else None,
        vpmn=read_matrix(vpmn_csv, fields=fields) if vpmn else None,
        catalogue=read_catalogue(catalogue_csv(policies), products_csv(products) if products else ""),
        day=date(2026, 11, 9),
        consent_default=False,
        most_at_once=most_at_once,
    )


def outcome_of(
    rules: Rules, the_view: CustomerView | None = None, the_scores: CustomerScores | None = None
) -> PolicyList | Rejected:
    row = messages_to_table([the_view or view("c1")], CustomerView).to_pylist()[0]
    scored = messages_to_table([the_scores or scores("c1")], CustomerScores).to_pylist()[0]
    return assemble(customer_of(row, scored, {"arm": "targeted"}), CompiledRules.of(rules)).outcome


def list_of(rules: Rules, the_view: CustomerView | None = None, the_scores: CustomerScores | None = None) -> PolicyList:
    outcome = outcome_of(rules, the_view, the_scores)
    assert isinstance(outcome, PolicyList)
    return outcome
