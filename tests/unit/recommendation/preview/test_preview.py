"""A preview counts what the function for one customer gives for every customer, by both sides, and changes nothing that it counts."""

from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.inputs import matrix_fields, score_columns, view_columns
from services.recommendation.domain import Purpose
from services.recommendation.domain.previews import Change, Channel, Flows, Money, Preview, Recommended
from services.recommendation.engine.assembly.decided import MEMBERSHIP, SCORES, VIEWS, InputColumns
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.hit_policies import with_default_row
from services.recommendation.engine.preview.preview import preview
from services.recommendation.engine.rulebook import read_matrix
from shared.errors import WrongState
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table
from tests.factories.recommendation import Base, base_of, matrix_csv, member, sample_rules, scores, view
from tests.unit.recommendation.assembly.generated import bases, rules
from tests.unit.recommendation.assembly.test_agreement import customers
from tests.unit.recommendation.preview.by_hand import NO_ROW, Outcome, changes, fired, outcomes, persons, summed

MATRICES = ("priority", "retention", "new_service", "voice_usage", "vpmn")
CAPACITIES = {Channel.CALL: 2}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def previewed(lake: Lake, base: Base, published: Rules, drafts: Rules) -> tuple[Preview, pa.Table]:
    """Return the counts, and the rows of those whose lists change."""
    with open_engine(lake, threads=1) as engine:
        engine.register_table(VIEWS, messages_to_table(base.views, CustomerView))
        engine.register_table(SCORES, messages_to_table(base.scores, CustomerScores))
        engine.register_table(MEMBERSHIP, messages_to_table(base.members, ControlMembership))
        columns = InputColumns(view_columns(), score_columns())
        found = preview(engine, published, drafts, columns, capacities=CAPACITIES, told=lambda _: None)
        return found.preview, engine.fetch(found.changed_sql, found.parameters)


@st.composite
def drafts_of(draw: st.DrawFn, published: Rules) -> Rules:
    """Draw drafts of some of the matrices, most of them rewritten a little, some new; and sometimes another catalogue."""
    other = draw(rules())
    mine, others = ({name: getattr(side, name) for name in MATRICES} for side in (published, other))
    drafted = {
        name: others[name] if mine[name] is None or draw(_seldom) else draw(rewritten(mine[name]))
        for name in sorted(draw(st.sets(st.sampled_from(MATRICES))))
    }
    return replace(published, catalogue=other.catalogue if draw(_seldom) else published.catalogue, **drafted)  # type: ignore[arg-type]  # fields of these names are tables


_seldom = st.sampled_from([True, False, False, False])


@st.composite
def rewritten(draw: st.DrawFn, table: DecisionTable) -> DecisionTable:
    """Draw the same rows with each other's outputs, and sometimes one row fewer."""
    outputs = draw(st.permutations([rule.outputs for rule in table.rules]))
    rewritten = [replace(rule, outputs=given) for rule, given in zip(table.rules, outputs, strict=True)]
    return replace(table, rules=tuple(rewritten[len(rewritten) > 1 and draw(_seldom) :]))


@settings(max_examples=10, deadline=None)
@given(data=st.data(), published=rules(), base=bases())
def test_every_count_is_what_the_lists_of_single_customers_add_up_to(
    lake: Lake, data: st.DataObject, published: Rules, base: Base
) -> None:
    drafts = data.draw(drafts_of(published))
    found, changed = previewed(lake, base, published, drafts)
    before, after = (outcomes(customers(base), side) for side in (published, drafts))
    check_lists(found, before, after)
    check_flows(found, before, after)
    check_codes(found, before, after)
    check_money(found, before, after)
    check_rows(found, before, after)
    check_changed(found, changed, before, after)


def check_lists(found: Preview, before: list[Outcome], after: list[Outcome]) -> None:
    assert found.customers == len(before)
    assert found.lists == Change(*(sum(each.listed is not None for each in side) for side in (before, after)))
    rejects = [Counter(each.reject for each in side if each.reject) for side in (before, after)]
    assert found.rejects == changes(*rejects)
    blocked = [Counter(reason for each in side for reason in each.blocked) for side in (before, after)]
    assert found.blocked == changes(*blocked)


def check_flows(found: Preview, before: list[Outcome], after: list[Outcome]) -> None:
    pairs = list(zip(before, after, strict=True))
    zones = Counter((" > ".join(one.zone_order), " > ".join(other.zone_order)) for one, other in pairs)
    assert counted(found.zone_orders) == zones
    assert counted(found.main_policies) == Counter((one.main, other.main) for one, other in pairs)
    firsts = Counter((next(iter(one.products), ""), next(iter(other.products), "")) for one, other in pairs)
    assert counted(found.first_products) == firsts
    assert zones.total() == found.customers


def counted(flows: Flows) -> Counter[tuple[str, str]]:
    sizes = [flow.customers for flow in flows.flows]
    assert sizes == sorted(sizes, reverse=True)
    assert flows.others == 0
    return Counter({(flow.source, flow.target): flow.customers for flow in flows.flows})


def check_codes(found: Preview, before: list[Outcome], after: list[Outcome]) -> None:
    pairs = [(set(one.codes), set(other.codes)) for one, other in zip(before, after, strict=True)]
    assert {each.code: each for each in found.policies} == recommended(pairs)
    pairs = [(set(one.products), set(other.products)) for one, other in zip(before, after, strict=True)]
    assert {each.code: each for each in found.products} == recommended(pairs)


def recommended(pairs: list[tuple[set[str], set[str]]]) -> dict[str, Recommended]:
    return {
        code: Recommended(
            code,
            Change(sum(code in one for one, _ in pairs), sum(code in other for _, other in pairs)),
            gained=sum(code in other - one for one, other in pairs),
            lost=sum(code in one - other for one, other in pairs),
        )
        for code in {code for one, other in pairs for code in one | other}
    }


def check_money(found: Preview, before: list[Outcome], after: list[Outcome]) -> None:
    loads = persons(before), persons(after)
    assert {load.channel: load.persons for load in found.loads} == {
        channel: Change(loads[0][channel], loads[1][channel]) for channel in Channel
    }
    assert {load.channel: load.capacity for load in found.loads} == {
        channel: CAPACITIES.get(channel) for channel in Channel
    }
    sums, nothing = (summed(before), summed(after)), Money(0, 0, 0, 0, 0)
    assert {(each.city, each.zone, each.need_level): (each.before, each.after) for each in found.money} == {
        key: (sums[0].get(key, nothing), sums[1].get(key, nothing)) for key in {*sums[0], *sums[1]}
    }


def check_rows(found: Preview, before: list[Outcome], after: list[Outcome]) -> None:
    for purpose in {row.matrix for row in found.rows}:
        rows = [row for row in found.rows if row.matrix == purpose]
        nobody = next(row.customers for row in rows if row.before is None and row.after is None)
        mine = {row.before.row: row.customers.before for row in rows if row.before} | {NO_ROW: nobody.before}
        others = {row.after.row: row.customers.after for row in rows if row.after} | {NO_ROW: nobody.after}
        assert +Counter(mine) == (fired(before, Purpose(purpose)) if len(mine) > 1 else Counter())
        assert +Counter(others) == (fired(after, Purpose(purpose)) if len(others) > 1 else Counter())


def check_changed(found: Preview, changed: pa.Table, before: list[Outcome], after: list[Outcome]) -> None:
    expected = [
        {
            "place": 0,
            "customer_id": one.customer.customer_id,
            "city": one.customer.fields["city"],
            "zone_order_before": list(one.zone_order),
            "zone_order_after": list(other.zone_order),
            "main_policy_before": one.main or None,
            "main_policy_after": other.main or None,
            "policies_added": sorted({*other.codes} - {*one.codes}),
            "policies_removed": sorted({*one.codes} - {*other.codes}),
            "reordered": one.codes != other.codes and {*one.codes} == {*other.codes},
        }
        for one, other in zip(before, after, strict=True)
        if (one.codes, one.zone_order) != (other.codes, other.zone_order)
    ]
    rows = sorted(changed.to_pylist(), key=lambda row: str(row["customer_id"]))
    assert rows == [{**row, "place": place} for place, row in enumerate(expected, start=1)]
    assert found.changed == len(rows)


def test_drafts_that_differ_in_nothing_change_nobody(lake: Lake) -> None:
    renamed = replace(sample_rules(), priority=replace(sample_rules().priority, name="the same under another name"))
    found, changed = previewed(lake, base_of(20, arms=("targeted", "control")), sample_rules(), renamed)
    assert (found.customers, found.changed, changed.num_rows) == (20, 0, 0)
    assert all(flow.source == flow.target for flow in found.zone_orders.flows)
    assert all(row.customers.before == row.customers.after for row in found.rows)
    assert all(each.before == each.after for each in found.money)
    assert all(each.gained == each.lost == 0 for each in (*found.policies, *found.products))


def test_rows_are_told_under_their_old_and_their_new_number(lake: Lake) -> None:
    headers, lines = (
        ["arpu", "=> first", "=> second"],
        [["> 50", "retention", "new_service"], ["-", "new_service", "retention"]],
    )
    inserted = ["< 0", "voice_usage", "retention"]
    tables = (
        read_matrix(matrix_csv("priority", "FIRST", headers, rows), fields=matrix_fields())
        for rows in (lines, [lines[0], inserted, lines[1]])
    )
    before, after = (replace(sample_rules(), priority=table) for table in tables)
    found, _ = previewed(lake, base_of(5), before, after)
    told = [
        (row.before and row.before.row, row.after and row.after.row, row.gives)
        for row in found.rows
        if row.matrix == "priority"
    ]
    assert told == [
        (3, 3, "retention, new_service"),
        (None, 4, "voice_usage, retention"),
        (4, 5, "new_service, retention"),
        (None, None, ""),
    ]


def test_default_outputs_are_counted_and_compared_like_rows(lake: Lake) -> None:
    published = sample_rules()
    (output,) = published.voice_usage.outputs if published.voice_usage else ()
    nobody, everybody = (
        with_default_row(
            read_matrix(
                matrix_csv("voice_usage", "FIRST", ["arpu", "=> policy"], [[cell, "pack-anhui"]]),
                fields=matrix_fields(),
            )
        )
        for cell in ("< 0", ">= 0")
    )
    defaults = with_default_row(replace(nobody, outputs=(replace(output, default="pack-anhui"),)))
    for draft, fires, changed in ((defaults, (3, 0), 3), (everybody, (0, 3), 3), (nobody, (0, 0), 0)):
        before, after = (replace(published, voice_usage=table) for table in (nobody, draft))
        found, _ = previewed(lake, base_of(3), before, after)
        rows = {row.after.row: row.customers.after for row in found.rows if row.matrix == "voice_usage" and row.after}
        assert (rows.get(0, 0), rows[3], found.changed) == (*fires, changed)
        same, _ = previewed(lake, base_of(3), after, after)
        assert same.changed == 0


@pytest.mark.parametrize("unique", ["published", "drafts"])
def test_contradicting_rows_of_either_side_are_refused_as_an_assembly_would(lake: Lake, unique: str) -> None:
    headers, lines = (
        ["arpu", "=> first", "=> second"],
        [["> 50", "retention", "new_service"], ["> 100", "new_service", "retention"]],
    )
    table = read_matrix(matrix_csv("priority", "UNIQUE", headers, lines), fields=matrix_fields())
    sides = {"published": sample_rules(), "drafts": sample_rules(), unique: replace(sample_rules(), priority=table)}
    with pytest.raises(WrongState, match="rows 3, 4 all match customer c00…00") as refused:
        previewed(lake, base_of(2), sides["published"], sides["drafts"])
    assert refused.value.reason == "ERROR_REASON_MATRIX_AMBIGUOUS"


def test_a_person_with_two_lines_is_one_contact_of_each_channel(lake: Lake) -> None:
    lines = [view("c1", owner_id="o"), view("c2", owner_id="o"), view("c3", owner_id="p"), view("c4", owner_id="q")]
    base = Base(
        lines,
        [scores(line.customer_id) for line in lines],
        [*(member(line.customer_id) for line in lines[:3]), member("c4", "control")],
    )
    found, _ = previewed(lake, base, sample_rules(), sample_rules())
    calls = next(load for load in found.loads if load.channel is Channel.CALL)
    assert (calls.persons, calls.capacity) == (Change(2, 2), 2)
