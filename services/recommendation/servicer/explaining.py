"""Renders an explanation for the contract."""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from visavis.recommendation.v1 import explanation_pb2, recommendation_service_pb2
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from services.recommendation.domain import PolicyList, Purpose, Recommendation, Rejected
from services.recommendation.engine.assembly.customer import Meeting
from services.recommendation.engine.assembly.terms import Factor, Terms
from services.recommendation.engine.explaining.findings import Finding, tier_of
from services.recommendation.engine.explaining.near_rows import NearRow, near_rows
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import DecisionTable, Rule, completed, explain
from services.recommendation.ports import ContactCheck, StoredCatalogue, Version
from services.recommendation.servicer.render import zone_number
from services.recommendation.use_cases.explanation import Explanation, StandingNow
from services.recommendation.use_cases.imports import CATALOGUES, MATRICES
from services.recommendation.use_cases.rules import Circumstances

_FEN_PER_YUAN = 100


def explanation_message(
    explanation: Explanation, standing: StandingNow, *, asked: Mapping[Purpose, Collection[int]]
) -> pb.ExplainPolicyListResponse:
    """Return the answer; `asked` are the ids of the rules asked about, by purpose."""
    run, customer, outcome = explanation.run, explanation.customer, explanation.assembly.outcome
    message = pb.ExplainPolicyListResponse(
        assembly_run=run.name,
        snapshot=run.order.snapshot,
        scoring_run=run.order.scoring_run,
        models=run.order.models,
        cycle=run.order.cycle,
        arm=customer.arm or "",
        city=str(customer.fields["city"]),
        replays=explanation.replays,
        withheld_reason=explanation.withheld_reason,
        matrices=[_meeting(meeting, explanation, asked) for meeting in explanation.meetings],
        weighed=[_weighed(finding, explanation) for finding in explanation.findings],
        blocked=[_blocked(finding) for finding in explanation.findings if finding.verdict.reason],
        versions=[*map(_version, explanation.versions), _catalogue(explanation.catalogue)],
        circumstances=_circumstances(run.result.circumstances),
        standing=_standing(standing),
    )
    message.switch_time.FromDatetime(run.result.switch_time)
    if isinstance(outcome, Rejected):
        message.reject_reason = outcome.reason
    else:
        _add_list(message, outcome)
    return message


def _add_list(message: pb.ExplainPolicyListResponse, outcome: PolicyList) -> None:
    message.zone_order.extend(map(zone_number, outcome.zone_order))
    message.given.extend(map(_given, outcome.recommendations))


def _given(found: Recommendation) -> pb.GivenPolicy:
    return pb.GivenPolicy(
        zone=zone_number(found.zone),
        rank=found.rank,
        policy=found.policy,
        product=found.product or "",
        matrix=found.matrix,
        row=found.rule,
    )


def _meeting(
    meeting: Meeting, explanation: Explanation, asked: Mapping[Purpose, Collection[int]]
) -> pb.MatrixExplanation:
    table, purpose = meeting.table, Purpose(meeting.table.purpose)
    seen, rules = completed(table)(meeting.row), {rule.id: rule for rule in table.rules}
    near = near_rows(table, meeting.row, meeting.firing, asked=asked.get(purpose))
    return pb.MatrixExplanation(
        matrix=f"{MATRICES}/{_sources(explanation, purpose)['']}",
        display_name=table.name,
        purpose=purpose,
        product=meeting.product,
        inputs=[pb.InputValue(input=column.name, value=feel_text(seen.get(column.name))) for column in table.inputs],
        fired_rows=meeting.firing.rules,
        failed_rows=[
            pb.FailedRow(row=told.rule, input=told.failed.input, cell=told.failed.text)
            for told in explain(table, meeting.row)
            if told.failed is not None
        ],
        fired=[_row(rules[rule], table, explanation) for rule in meeting.firing.rules],
        near_rows=[_near(row, table, explanation) for row in near],
    )


def _sources(explanation: Explanation, purpose: Purpose) -> Mapping[str, str]:
    """Return the version of each city's override of a matrix, and of the province's under ""."""
    return {
        version.matrix.city: version.matrix_id for version in explanation.versions if version.matrix.purpose is purpose
    }


def _row(rule: Rule, table: DecisionTable, explanation: Explanation) -> explanation_pb2.FiredRow:
    city = rule.origin.city if rule.origin else ""
    given = zip((output.name for output in table.outputs), rule.outputs, strict=True)
    return explanation_pb2.FiredRow(
        row=rule.id,
        matrix=f"{MATRICES}/{_sources(explanation, Purpose(table.purpose))[city]}",
        matrix_row=rule.origin.row if rule.origin else rule.id,
        city=city,
        gives={name: "" if value is None else str(value) for name, value in given},
        note=rule.note,
    )


def _near(near: NearRow, table: DecisionTable, explanation: Explanation) -> explanation_pb2.NearRow:
    return explanation_pb2.NearRow(
        row=_row(near.rule, table, explanation),
        failed_cells=[
            explanation_pb2.FailedCell(input=cell.input, value=feel_text(cell.value), cell=cell.text)
            for cell in near.failed
        ],
        changes=[
            explanation_pb2.InputChange(
                input=change.input,
                value=feel_text(change.value),
                nearest=feel_text(change.nearest),
                wanted=change.wanted,
            )
            for change in near.changes
        ],
        overtaken_by=near.overtaken_by or 0,
        obstacle=near.obstacle,
    )


def _blocked(finding: Finding) -> recommendation_service_pb2.BlockedPolicy:
    offer, reason = finding.verdict.find.offer, finding.verdict.reason
    return pb.BlockedPolicy(
        zone=zone_number(offer.zone),
        policy=offer.code,
        row=offer.rule,
        reason=finding.words,
        matrix=offer.matrix,
        code=reason or "",
        by=finding.by,
        detail=finding.detail,
    )


def _weighed(finding: Finding, explanation: Explanation) -> explanation_pb2.WeighedPolicy:
    find = finding.verdict.find
    return explanation_pb2.WeighedPolicy(
        zone=zone_number(find.offer.zone),
        rank=finding.rank,
        policy=find.offer.code,
        product=find.offer.product or "",
        matrix=find.offer.matrix,
        row=find.offer.rule,
        tier=tier_of(find, explanation.rules),
        terms=_terms(find.terms),
        value_fen=find.terms.value_fen,
        blocked_by=finding.verdict.reason or "",
        behind=finding.behind.offer.code if finding.behind else "",
        lost_by=finding.lost_by,
    )


def _terms(terms: Terms) -> Iterator[explanation_pb2.ValueTerm]:
    weighing, policy = terms.weighing, terms.policy
    if terms.about_product:
        need = "" if terms.need is None else f"{terms.need:.4f}"
        yield explanation_pb2.ValueTerm(term=Factor.PROBABILITY, value=need, counts=weighing.probability)
    if policy is not None:
        margin = f"{Decimal(policy.margin_fen) / _FEN_PER_YUAN:.2f}"
        yield explanation_pb2.ValueTerm(term=Factor.MARGIN, value=margin, counts=weighing.margin)
        yield explanation_pb2.ValueTerm(term=Factor.WEIGHT, value=str(policy.weight), counts=weighing.weight)
    if terms.has:
        factor = f"{1 + Decimal(terms.affinity_percent) / 100:.2f}"
        yield explanation_pb2.ValueTerm(
            term=Factor.AFFINITY, value=factor, counts=True, source=f"has {' '.join(terms.has)}"
        )


def _version(version: Version) -> explanation_pb2.RuleVersion:
    matrix = version.matrix
    message = explanation_pb2.RuleVersion(
        name=f"{MATRICES}/{matrix.matrix_id}",
        purpose=matrix.purpose,
        display_name=matrix.display_name,
        city=matrix.city,
        author=matrix.author,
        state=version.life.state,
    )
    message.create_time.FromDatetime(matrix.create_time)
    for step in version.steps:
        told = message.steps.add(kind=step.kind, principal=step.principal, reason=step.reason, cycle=step.cycle)
        told.time.FromDatetime(step.time)
    return message


def _catalogue(catalogue: StoredCatalogue) -> explanation_pb2.RuleVersion:
    message = explanation_pb2.RuleVersion(name=f"{CATALOGUES}/{catalogue.catalogue_id}", author=catalogue.author)
    message.create_time.FromDatetime(catalogue.create_time)
    return message


def _circumstances(pinned: Circumstances) -> explanation_pb2.RunCircumstances:
    weighing = pinned.weighing
    return explanation_pb2.RunCircumstances(
        day=pinned.day.isoformat(),
        consent_default=pinned.consent_default,
        most_at_once=pinned.most_at_once,
        weighs_probability=weighing.probability,
        weighs_margin=weighing.margin,
        weighs_weight=weighing.weight,
        affinity_percent=weighing.affinity_percent,
        combinations_once=weighing.combinations_once,
    )


def _standing(standing: StandingNow) -> explanation_pb2.ContactStanding:
    checks = standing.checks or ()
    message = explanation_pb2.ContactStanding(
        opted_out=any(check.rule == "opt_out" for check in checks),
        channels=map(_channel, checks),
        missing=standing.missing,
        expired_policies=standing.expired,
    )
    message.time.FromDatetime(standing.time)
    return message


def _channel(check: ContactCheck) -> explanation_pb2.ChannelStanding:
    message = explanation_pb2.ChannelStanding(
        channel=check.channel, allowed=check.allowed, rule=check.rule, reason=check.reason
    )
    if check.until is not None:
        message.until_time.FromDatetime(check.until)
    return message
