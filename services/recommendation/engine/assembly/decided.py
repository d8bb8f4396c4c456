"""Fires every matrix for the whole base in one scan: who is listed, by which rows, and what arbitration must know of them.

The table `decided` has one narrow row per customer; lists are made of it in columns (`engine.assembly.base`). Columns of our own
begin with "_", as no field of a contract does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.recommendation.domain import Ability, Catalogue, Purpose
from services.recommendation.engine.assembly.customer import (
    NO_ARM,
    NO_PRIORITY,
    NOT_SCORED,
    POTENTIAL,
)
from services.recommendation.engine.assembly.rules import Rules, about
from services.recommendation.engine.assembly.single import ambiguous
from services.recommendation.engine.assembly.terms import PROBABILITY_SCALE
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.hit_policies import DOUBTING
from services.recommendation.engine.matrix.sql import compile_sql, matching_sql
from shared.lake.engine import ColumnarEngine
from shared.lake.matrix import MatrixColumn

VIEWS, SCORES, MEMBERSHIP = "views", "scores", "membership"
"""The datasets, as the caller registers them."""

PRIORITY_RULE, REJECT = "_priority_rule", "_reject"
REJECTS_SQL = "SELECT customer_id, _reject AS reason FROM decided WHERE _reject IS NOT NULL"
LISTED_SQL = "SELECT * EXCLUDE (_reject) FROM decided WHERE _reject IS NULL ORDER BY customer_id"

_HELD = ("product", "state", "provisioned", "cause", "active_days", "months_held", "content_age_months")
_NEEDED = ("product", "level", "probability")
_PAIR = {
    "product_state": "_state_{at}",
    "product_cause": "_held_cause[_held_{at}]",
    "product_active_days": "_held_active_days[_held_{at}]",
    "product_months_held": "_held_months_held[_held_{at}]",
    "product_content_age_months": "_held_content_age_months[_held_{at}]",
    "need_level": "_level_{at}",
    "need_probability": "_needed_probability[_needed_{at}]",
}
"""What the grain customer x product adds that differs from customer to customer, given the product's number."""
PAIR_COLUMNS = ("product", "product_class", "product_tier", *_PAIR)


@dataclass(frozen=True, slots=True)
class InputColumns:
    """What views and scores offer to matrices."""

    views: Sequence[MatrixColumn]
    scores: Sequence[MatrixColumn]


@dataclass(frozen=True, slots=True)
class Fired:
    """A column of `decided` with the row that fired, or with a list of rows; `product` where the matrix met one."""

    column: str
    matrix: Purpose
    table: DecisionTable
    product: str | None


def tracked(rules: Rules) -> list[str]:
    """Return the products whose standing is kept in `decided`, each at the place that is its number there."""
    return sorted(rules.catalogue.products)


def fired_columns(rules: Rules) -> Iterator[Fired]:
    """Yield the columns in the order in which a customer meets the matrices; matrices that can give nothing have none."""
    for matrix, table in rules.giving.items():
        products = rules.products if matrix is Purpose.NEW_SERVICE else (None,)
        for number, product in enumerate(products):
            asked = table if product is None else about(table, product)
            if asked.rules:
                yield Fired(f"_fired_{matrix}_{number}", matrix, asked, product)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the sets of rules that meet the base together: what it fires itself stands in columns of its own, named after `stem`.

    Columns in `shared` are those of the first side, whose matrix is the same. All sides know the same products.
    """

    rules: Rules
    stem: str = ""
    shared: frozenset[str] = frozenset()

    def column(self, name: str) -> str:
        """Return what this side calls a column of `decided`."""
        return name if name in self.shared else f"_{self.stem}{name.removeprefix('_')}"

    def fired(self) -> Iterator[Fired]:
        """Yield what this side fires itself, the priority matrix first."""
        for fired in every_column(self.rules):
            if fired.column not in self.shared:
                yield replace(fired, column=self.column(fired.column))


def every_column(rules: Rules) -> Iterator[Fired]:
    """Yield the columns of all matrices, that of the priority matrix first."""
    yield Fired(PRIORITY_RULE, Purpose.PRIORITY, rules.priority, None)
    yield from fired_columns(rules)


def decide(engine: ColumnarEngine, rules: Rules, columns: InputColumns) -> None:
    """Make the table `decided` of everyone in VIEWS.

    Raises WrongState (MATRIX_AMBIGUOUS) naming a customer where rows of a UNIQUE or ANY matrix contradict each other.
    """
    decide_sides(engine, (Side(rules),), columns)


def decide_sides(engine: ColumnarEngine, sides: Sequence[Side], columns: InputColumns) -> None:
    """Make the table `decided` of everyone in VIEWS, by several sets of rules in one scan. Raises as `decide`."""
    engine.execute(f"CREATE VIEW met AS {met_sql(sides[0].rules.catalogue, sides[0].rules.day, columns)}")
    engine.execute(f"CREATE TABLE decided AS {_decided_sql(sides)}")
    for side in sides:
        _refuse_ambiguous(engine, side)


def joined_sql(columns: InputColumns) -> str:
    """Return the query of views with their scores and arms, every field under the name that matrices use."""
    return f"""
    SELECT v.*, s.* EXCLUDE (_scored_id), s._scored_id IS NOT NULL AS _scored, m.arm
    FROM (SELECT customer_id, owner_id, msisdn, products AS _holdings, {_fields(columns.views)} FROM {VIEWS}) AS v
    LEFT JOIN (SELECT customer_id AS _scored_id, needs AS _needs, {_fields(columns.scores)} FROM {SCORES}) AS s
        ON s._scored_id = v.customer_id
    LEFT JOIN (SELECT customer_id AS _member_id, arm FROM {MEMBERSHIP}) AS m ON m._member_id = v.customer_id
    """


def _fields(columns: Iterable[MatrixColumn]) -> str:
    return ", ".join(f'{column.sql} AS "{column.name}"' for column in columns)


def met_sql(catalogue: Catalogue, day: date, columns: InputColumns) -> str:
    """Return what every matrix sees, products and needs laid out in columns: one list per field, then places in these lists."""
    held = ", ".join(f"list_transform(_holdings, lambda held: held.{name}) AS _held_{name}" for name in _HELD)
    needed = ", ".join(f"list_transform(_needs, lambda need: need.{name}) AS _needed_{name}" for name in _NEEDED)
    today = f"DATE '{day.isoformat()}' AS day"
    lists = f"SELECT * EXCLUDE (_holdings, _needs), {today}, {held}, {needed} FROM ({joined_sql(columns)})"
    products = list(enumerate(sorted(catalogue.products)))
    places = "".join(
        f", list_position(_{kind}_product, {_text(product)}) AS _{kind}_{at}"
        for at, product in products
        for kind in ("held", "needed")
    )
    standing = "".join(
        f""", COALESCE(_held_state[_held_{at}], '{POTENTIAL}') AS _state_{at}, _held_provisioned[_held_{at}] AS _provisioned_{at},
        _needed_level[_needed_{at}] AS _level_{at},
        CAST(COALESCE(_needed_probability[_needed_{at}], 0) * {PROBABILITY_SCALE} AS BIGINT) AS _probability_{at}"""
        for at, _ in products
    )
    return f"SELECT *{standing} FROM (SELECT *{places} FROM ({lists}))"


def pair_sql(catalogue: Catalogue, product: str) -> str:
    """Return the columns that the grain customer x product adds (`PAIR_COLUMNS`), over the relation of `met_sql`."""
    at, described = sorted(catalogue.products).index(product), catalogue.products[product]
    told = {
        "product": _text(product),
        "product_class": f"'{described.product_class}'",
        "product_tier": f"'{described.tier}'",
        **{name: sql.format(at=at) for name, sql in _PAIR.items()},
    }
    return ", ".join(f"{sql} AS {name}" for name, sql in told.items())


def _text(code: str) -> str:
    """Return a code as SQL: products that only policies speak of may be called anything."""
    return "'" + code.replace("'", "''") + "'"


def _decided_sql(sides: Sequence[Side]) -> str:
    rules, fires, source = sides[0].rules, list[str](), "met"
    for side, fired in _fired_by(sides):
        if fired.product is None:
            fires += _fires(fired)
        else:
            pair = pair_sql(side.rules.catalogue, fired.product)
            hidden = ", ".join(PAIR_COLUMNS)
            source = f"(SELECT * EXCLUDE ({hidden}), {', '.join(_fires(fired))} FROM (SELECT *, {pair} FROM {source}))"
    return f"""
    SELECT customer_id, owner_id, msisdn, city, arm,
        NOT red_list AND COALESCE(marketing_consent, {rules.consent_default}) AS contactable,
        {", ".join(map(_reject_sql, sides))}, {", ".join(_kept(sides))}
    FROM (SELECT *, {", ".join(fires)} FROM {source})
    """


def _fired_by(sides: Sequence[Side]) -> Iterator[tuple[Side, Fired]]:
    for side in sides:
        yield from ((side, fired) for fired in side.fired())


def _reject_sql(side: Side) -> str:
    return f"""CASE WHEN NOT _scored THEN '{NOT_SCORED}' WHEN arm IS NULL THEN '{NO_ARM}'
        WHEN {side.column(PRIORITY_RULE)} IS NULL THEN '{NO_PRIORITY}' END AS {side.column(REJECT)}"""


def _fires(fired: Fired) -> list[str]:
    compiled = compile_sql(fired.table)
    told = [f"{compiled.fired} AS {fired.column}"]
    return [*told, f"{compiled.ambiguous} AS {fired.column}_ambiguous"] if compiled.ambiguous else told


def _kept(sides: Sequence[Side]) -> Iterator[str]:
    """Yield what arbitration asks for."""
    yield from (f"handset_{ability}" for ability in Ability)
    yield "internet_access"
    for at, _ in enumerate(tracked(sides[0].rules)):
        yield from (f"_state_{at}", f"_provisioned_{at}", f"_level_{at}", f"_probability_{at}")
    for _, fired in _fired_by(sides):
        yield fired.column
        if fired.table.hit_policy in DOUBTING:
            yield f"{fired.column}_ambiguous"


def _refuse_ambiguous(engine: ColumnarEngine, side: Side) -> None:
    """Raise for the first customer, by id, for whom the rows of a matrix contradict each other."""
    for fired in side.fired():
        if fired.table.hit_policy in DOUBTING:
            relation = "met"
            if fired.product is not None:
                relation = f"(SELECT *, {pair_sql(side.rules.catalogue, fired.product)} FROM met)"
            _refuse(engine, fired.table, f"{side.column(REJECT)} IS NULL AND {fired.column}_ambiguous", relation)


def _refuse(engine: ColumnarEngine, table: DecisionTable, where: str, relation: str) -> None:
    (customer_id,) = engine.fetch(f"SELECT min(customer_id) AS example FROM decided WHERE {where}")[
        "example"
    ].to_pylist()
    if customer_id is not None:
        every = matching_sql(table)
        sql = (
            f"SELECT rules FROM (SELECT *, {every} AS rules FROM {relation}) WHERE customer_id = $id AND len(rules) > 1"
        )
        raise ambiguous(table, customer_id, engine.fetch(sql, {"id": customer_id})["rules"][0].as_py())
