"""Draws whole assemblies: catalogues, up to five matrices, and customers with holes wherever the contracts allow one."""

from collections.abc import Sequence
from datetime import date

from hypothesis import strategies as st
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView, ProductState
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores, ProductNeed

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.assembly.terms import MOST_AFFINITY_PERCENT, Weighing
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.hit_policies import with_default_row
from services.recommendation.engine.rulebook import read_matrix
from tests.factories.recommendation import (
    Base,
    catalogue_csv,
    matrix_csv,
    policy_row,
    product_row,
    products_csv,
    retention_row,
    voice_row,
)

PRODUCTS = ("mobile_newspaper", "ring_back_tone", "mobile_internet")
OTHER_PRODUCT = "mail_139"
"""No policy is about it, but some bring it along."""
NEW_SERVICE_CODES = tuple(f"n{number}" for number in range(5))
RETENTION_CODES = tuple(f"r{number}" for number in range(5))
VOICE_CODES = tuple(f"v{number}" for number in range(4))
VPMN_CODES = ("w0", "w1")
GROUPS = ("g1", "g2")
NEEDS = ("", "", "", "gprs", "wap mms", "gprs wap mms")
_CELLS = {
    "arpu": ["-", ">= 100", "(50..100]", "null", "null,< 30.5", "not(100.00)", "> balance"],
    "balance": ["-", "<= 20", "not(null)"],
    "tenure_months": ["-", "> 12", "[0..12]"],
    "contract_months_left": ["-", "null,<= 3", "> 3"],
    "brand": ["-", '"GoTone"', 'not("M-Zone")', 'null,"Easyown"'],
    "value_tier": ["-", '"high","mid_high"', 'not("low")'],
    "warned": ["-", "true", "false"],
    "return_rate_score": ["-", "(86..100]", "null"],
    "handset_gprs": ["-", "true", "null,false"],
    "ends_in": ["null", "<= 1", "> 1", "tenure_months"],
    "a_year": [">= low_arpu", "< low_arpu", "null"],
}
_DECLARED = [
    ["parameter", "low_arpu", "1200", "hefei=366", "芜湖=366.01"],
    ["computed", "ends_in", "months until(contract_ends_on)"],
    ["computed", "a_year", "arpu * 12 + 0"],
]
_INSTEAD = {"priority": "retention"}
"""What is ranked where no row gives anything."""
_ONE_ROW = ("FIRST", "UNIQUE", "ANY", "PRIORITY")
_ROWS = (*_ONE_ROW, "RULE ORDER", "OUTPUT ORDER", "COLLECT")
_PAIR_CELLS = {
    "product": ["-", '"mobile_newspaper"', 'not("ring_back_tone")'],
    "product_state": ["-", '"potential"', '"cancelled","inactive"', 'not("active")'],
    "product_tier": ["-", '"instant"', 'not("taught")'],
    "product_cause": ["-", "null", '"never_used","price"'],
    "product_months_held": ["-", ">= 2", "null"],
    "need_level": ["-", "null", '"rigid","sensitive"', 'not("none")'],
    "need_probability": ["-", "> 0.25", "null,<= 0.1"],
}
_INPUTS = {
    "priority": _CELLS,
    "retention": _CELLS,
    "new_service": {**_CELLS, **_PAIR_CELLS},
    "voice_usage": _CELLS,
    "vpmn": _CELLS,
}
_MARGINS = [
    *(
        (margin, weight)
        for margin in (0, 1, 2, 1000, 1001, 1010, 10**9)
        for weight in ("", "0", "0.5", "0.99", "1.01", "99.99")
    ),
    (10**11, "1"),
    (10**11, "0.01"),
]
"""With their weights: together not more than a catalogue may say."""
_VALID = ("2026-11-01", "2026-12-01")
# The run's day is 2026-11-09: the last of these end or begin just beside it.
_VALIDITIES = [_VALID] * 6 + [("2026-11-09", "2026-11-10"), ("2026-11-10", "2026-12-01"), ("2026-10-01", "2026-11-09")]


weighings = st.builds(
    Weighing,
    probability=st.booleans(),
    margin=st.booleans(),
    weight=st.booleans(),
    affinity_percent=st.sampled_from([0, 1, 20, MOST_AFFINITY_PERCENT]),
    combinations_once=st.booleans(),
)


@st.composite
def rules(draw: st.DrawFn) -> Rules:
    """Draw rules; matrices name policies that are in no catalogue, in another zone, group or product, or out of date."""
    return Rules(
        priority=_read(_priority(draw)),
        retention=_read(_retention(draw)),
        new_service=_read(_new_service(draw)),
        voice_usage=_read(_voice_usage(draw)) if draw(_usually) else None,
        vpmn=_read(_vpmn(draw)) if draw(_usually) else None,
        catalogue=read_catalogue(draw(catalogues()), draw(products())),
        day=date(2026, 11, 9),
        consent_default=draw(st.booleans()),
        most_at_once=draw(st.integers(1, 3)),
        weighing=draw(weighings),
    )


def _read(text: str) -> DecisionTable:
    return with_default_row(read_matrix(text, fields=matrix_fields()))


@st.composite
def products(draw: st.DrawFn) -> str:
    """Draw the products with any barriers, or none at all described."""
    if not draw(_usually):
        return ""
    return products_csv(
        [
            product_row(
                product,
                barriers="setup handset internet",
                associated_products=draw(_associated(product)),
                handset_needs=draw(st.sampled_from(NEEDS)),
                needs_internet=draw(st.sampled_from(["yes", "no"])),
            )
            if draw(st.booleans())
            else product_row(
                product,
                barriers=draw(st.sampled_from(["", "setup", "handset"])),
                associated_products=draw(_associated(product)),
            )
            for product in (*PRODUCTS, OTHER_PRODUCT)
        ]
    )


def _associated(product: str) -> st.SearchStrategy[str]:
    others = [other for other in (*PRODUCTS, OTHER_PRODUCT) if other != product]
    return st.lists(st.sampled_from(others), max_size=2, unique=True).map(" ".join)


@st.composite
def catalogues(draw: st.DrawFn) -> str:
    about_products = [
        policy_row(code, **_about_a_product(draw), **_variation(draw))
        for code in sorted(draw(st.sets(st.sampled_from(NEW_SERVICE_CODES), min_size=3)))
    ]
    retaining = [
        retention_row(code, draw(st.sampled_from(GROUPS)), **_variation(draw))
        for code in sorted(draw(st.sets(st.sampled_from(RETENTION_CODES), min_size=3)))
    ]
    packs = [voice_row(code, **_variation(draw)) for code in VOICE_CODES]
    plans = [voice_row(code, kind="vpmn_plan", **_variation(draw)) for code in VPMN_CODES]
    return catalogue_csv(_excluding(draw, [*about_products, *retaining, *packs, *plans]))


def _about_a_product(draw: st.DrawFn) -> dict[str, str]:
    product = draw(st.sampled_from(PRODUCTS))
    kind = draw(st.sampled_from(["", "order", "trial", "combination", "family"]))
    others = [other for other in (*PRODUCTS, OTHER_PRODUCT) if other != product]
    return {
        "product": product,
        "kind": kind,
        "combined_products": draw(st.sampled_from(others)) if kind == "combination" else "",
    }


def _excluding(draw: st.DrawFn, rows: list[dict[str, str]]) -> list[dict[str, str]]:
    codes = [row["policy"] for row in rows]
    named = st.lists(st.sampled_from(codes), max_size=2, unique=True)
    return [{**row, "exclusions": " ".join(code for code in draw(named) if code != row["policy"])} for row in rows]


def _variation(draw: st.DrawFn) -> dict[str, str]:
    valid_from, valid_until = draw(st.sampled_from(_VALIDITIES))
    margin, weight = draw(st.sampled_from(_MARGINS))
    return {
        "margin_fen": str(margin),
        "weight": weight,
        "valid_from": valid_from,
        "valid_until": valid_until,
        "handset_needs": draw(st.sampled_from(NEEDS)),
        "cities": draw(st.sampled_from(["", "", "", "hefei", "芜湖 蚌埠"])),
        "prerequisites": draw(st.sampled_from(["", "", "", *PRODUCTS])),
        "revenue_change_fen": draw(st.sampled_from(["0", "100", "100", "-1"])),
    }


def _priority(draw: st.DrawFn) -> str:
    orders = st.permutations(["retention", "new_service", "voice_usage"])
    named = st.one_of(orders, orders.map(lambda order: [*order[:2], ""]))
    return _matrix(draw, "priority", _ONE_ROW, ("first", "second", "third"), named.map(tuple))


def _retention(draw: st.DrawFn) -> str:
    # Group and main policy need not fit, and the main policy may be of another zone or of none.
    codes = st.sampled_from([*RETENTION_CODES, "n0", "unheard"])
    outputs = st.one_of(st.tuples(st.sampled_from(GROUPS), codes), st.just(("", "")))
    return _matrix(draw, "retention", _ONE_ROW, ("policy_group", "main_policy"), outputs)


def _new_service(draw: st.DrawFn) -> str:
    outputs = st.sampled_from([("",), *((code,) for code in (*NEW_SERVICE_CODES, "r0", "unheard"))])
    return _matrix(draw, "new_service", _ROWS, ("policy",), outputs)


def _voice_usage(draw: st.DrawFn) -> str:
    outputs = st.sampled_from([("",), *((code,) for code in (*VOICE_CODES, *VOICE_CODES, "w0", "r0", "unheard"))])
    return _matrix(draw, "voice_usage", _ROWS, ("policy",), outputs)


def _vpmn(draw: st.DrawFn) -> str:
    outputs = st.sampled_from([("",), *((code,) for code in (*VPMN_CODES, *VPMN_CODES, "v0"))])
    return _matrix(draw, "vpmn", _ONE_ROW, ("policy",), outputs)


def _matrix(
    draw: st.DrawFn,
    purpose: str,
    hit_policies: Sequence[str],
    output_names: Sequence[str],
    outputs: st.SearchStrategy[tuple[str, ...]],
) -> str:
    inputs = draw(st.lists(st.sampled_from(list(_INPUTS[purpose])), min_size=1, max_size=3, unique=True))
    hit_policy = draw(st.sampled_from(hit_policies))
    # UNIQUE tables of one rule, and ANY tables that give one thing, are never ambiguous; ambiguity has a test of its own.
    count = 0 if hit_policy == "UNIQUE" else draw(st.integers(1, 5))
    given = st.just(draw(outputs)) if hit_policy == "ANY" else outputs
    lines = [[*(draw(st.sampled_from(_INPUTS[purpose][name])) for name in inputs), *draw(given)] for _ in range(count)]
    if not lines or draw(_usually):
        lines.append([*("-" for _ in inputs), *draw(given)])
    declared = list(_DECLARED)
    default = draw(given) if draw(st.booleans()) else ()
    if hit_policy in {"PRIORITY", "OUTPUT ORDER"}:
        ranked = draw(
            st.permutations(
                sorted({line[-1] for line in [*lines, default] if line} - {""}) or [_INSTEAD.get(purpose, "r0")]
            )
        )
        declared.append(["values", output_names[-1], *ranked])
    declared += [["default", name, value] for name, value in zip(output_names, default, strict=False) if value]
    headers = [*inputs, *(f"=> {name}" for name in output_names)]
    return matrix_csv(purpose, hit_policy, headers, lines, declared=declared)


@st.composite
def bases(draw: st.DrawFn) -> Base:
    """Draw six to sixteen customers; some have no scores, some no arm."""
    ids = [f"c{index:02}" for index in range(draw(st.integers(6, 16)))]
    views = [draw(_views(customer_id)) for customer_id in ids]
    scored = [draw(_scores(customer_id)) for customer_id in ids if draw(_usually)]
    arms = st.sampled_from(["targeted", "random", "control"])
    members = [ControlMembership(customer_id=customer_id, arm=draw(arms)) for customer_id in ids if draw(_usually)]
    nobody_else = [CustomerScores(customer_id="x", value_tier="low", stickiness_band="none")]
    return Base(views, scored or nobody_else, members or [ControlMembership(customer_id="x", arm="random")])


_usually = st.sampled_from([True] * 14 + [False])
_flags = st.sampled_from([None, True, False])
_fen = st.sampled_from([None, 0, 2000, 3050, 3051, 10_000, 10_001, 25_000])


@st.composite
def _views(draw: st.DrawFn, customer_id: str) -> CustomerView:
    return CustomerView(
        customer_id=customer_id,
        msisdn=f"1380000{customer_id[1:]:>04}",
        owner_id=draw(st.sampled_from(["o1", "o2", customer_id])),
        city=draw(st.sampled_from(["hefei", "芜湖"])),
        brand=draw(st.sampled_from([None, "GoTone", "M-Zone", "Easyown"])),
        tenure_months=draw(st.sampled_from([0, 12, 13])),
        handset_gprs=draw(_flags),
        handset_wap=draw(_flags),
        handset_mms=draw(_flags),
        internet_access=draw(_flags),
        contract_months_left=draw(st.sampled_from([None, 3, 4])),
        contract_ends_on=draw(st.sampled_from([None, "2026-12-09", "2027-01-08", "2027-01-09", "2026-11-08"])),
        balance_fen=draw(_fen),
        red_list=draw(st.booleans()),
        marketing_consent=draw(_flags),
        arpu_fen=draw(_fen),
        return_rate_score=draw(st.sampled_from([None, 8600, 8601, 10_000])),
        portrait="active",
        products=[
            ProductState(
                product=product,
                state=draw(st.sampled_from(["inactive", "active", "cancelled", "trial", "voice_plan"])),
                active_days=1,
                cause=draw(st.sampled_from([None, "never_used", "unaware"])),
                months_held=draw(st.sampled_from([None, 1, 2])),
                provisioned=draw(st.booleans()),
            )
            for product in draw(_some_products)
        ],
    )


@st.composite
def _scores(draw: st.DrawFn, customer_id: str) -> CustomerScores:
    return CustomerScores(
        customer_id=customer_id,
        value=draw(st.integers(0, 10_000)),
        value_tier=draw(st.sampled_from(["high", "mid_high", "mid", "low"])),
        stickiness=5000,
        stickiness_band="mid",
        churn_warning=1000,
        warned=draw(st.booleans()),
        needs=[
            ProductNeed(
                product=product,
                probability=draw(st.sampled_from([0, 1, 5, 1000, 2500, 2501, 9999, 10_000])),
                level=draw(st.sampled_from(["rigid", "sensitive", "ordinary", "none"])),
            )
            for product in draw(_some_products)
        ],
    )


_some_products = st.lists(st.sampled_from([*PRODUCTS, OTHER_PRODUCT]), unique=True)
