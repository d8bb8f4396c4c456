"""Writes SQL of an expression that was understood; each part is a number, a text or a condition, and turned into the other
where that is wanted. Arithmetic is in doubles and shown with at most six digits after the point."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from math import isfinite
from typing import cast

from sqlglot import exp

from services.profile.domain.mapping.expressions import ExpressionFault, mark

_FUNCTIONS = (
    "coalesce, nullif, greatest, least, abs, round, floor, ceil, length, lower, upper, trim, replace, substr, left, right, "
    "concat, days_before, months_before"
)
_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*"}
_DIVISIONS: Mapping[type[exp.Expr], str] = {exp.Div: "/", exp.Mod: "%"}
_COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_OF_NUMBERS: Mapping[type[exp.Expr], str] = {exp.Abs: "abs", exp.Floor: "floor", exp.Ceil: "ceil"}
_OF_TEXTS: Mapping[type[exp.Expr], str] = {exp.Lower: "lower", exp.Upper: "upper", exp.Trim: "trim"}
_ENDS: Mapping[type[exp.Expr], str] = {exp.Left: "left", exp.Right: "right"}
_CHOICES: Mapping[type[exp.Expr], str] = {exp.Coalesce: "coalesce", exp.Greatest: "greatest", exp.Least: "least"}
_EARLIER = {"days_before": "to_days", "months_before": "to_months"}
_FARTHEST = 36_500


class _Kind(Enum):
    NUMBER = auto()
    CELL = auto()  # a text that may well be a number
    WORD = auto()  # a text that is meant as one
    TRUTH = auto()
    NULL = auto()


_Part = tuple[_Kind, str]


class SqlWriter:
    """Writes one expression; `headings` gathers the cells it names, each once."""

    def __init__(self) -> None:
        self.headings: list[str] = []
        self._rules: Mapping[type[exp.Expr], Callable[[exp.Expr], _Part]] = {
            exp.Paren: lambda node: self._part(node.this),
            exp.Column: self._cell,
            exp.Literal: self._literal,
            exp.Null: lambda _: (_Kind.NULL, "NULL"),
            exp.Boolean: lambda node: (_Kind.TRUTH, "true" if node.this else "false"),
            exp.Neg: lambda node: (_Kind.NUMBER, f"(- {self._number(node.this)})"),
            exp.And: lambda node: self._both(node, "AND"),
            exp.Or: lambda node: self._both(node, "OR"),
            exp.Not: lambda node: (_Kind.TRUTH, f"(NOT {self._truth(node.this)})"),
            exp.Is: self._is_null,
            exp.In: self._in,
            exp.Between: self._between,
            exp.Like: lambda node: (_Kind.TRUTH, f"({self.text_of(node.this)} LIKE {self.text_of(node.expression)})"),
            exp.Case: self._case,
            exp.Nullif: self._nullif,
            exp.Round: self._round,
            exp.Length: lambda node: (_Kind.NUMBER, f"CAST(length({self.text_of(node.this)}) AS DOUBLE)"),
            exp.Replace: lambda node: self._texts("replace", [node.this, node.expression, node.args["replacement"]]),
            exp.Substring: self._substring,
            exp.Concat: lambda node: self._texts("concat", node.expressions),
            exp.DPipe: lambda node: (
                _Kind.WORD,
                f"({self.text_of(node.this)} || {self.text_of(node.expression)})",
            ),
            exp.Anonymous: self._earlier,
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            **dict.fromkeys(_DIVISIONS, self._division),
            **dict.fromkeys(_COMPARISONS, self._comparison),
            **dict.fromkeys(_OF_NUMBERS, self._of_number),
            **dict.fromkeys(_OF_TEXTS, self._of_text),
            **dict.fromkeys(_ENDS, self._end),
            **dict.fromkeys(_CHOICES, self._choice),
        }

    def text_of(self, node: exp.Expr) -> str:
        """Return SQL of a node as a text. Raises ExpressionFault where it is not understood."""
        return _as_text(self._part(node))

    def _part(self, node: exp.Expr) -> _Part:
        rule = self._rules.get(type(node))
        if rule is None:
            raise ExpressionFault(
                f"{node.sql(dialect='duckdb')[:80]} is not understood; known are + - * / % ||, comparisons, AND OR NOT, "
                f"IN, BETWEEN, LIKE, IS NULL, CASE, and the functions {_FUNCTIONS}"
            )
        return rule(node)

    def _number(self, node: exp.Expr) -> str:
        return _as_number(self._part(node))

    def _truth(self, node: exp.Expr) -> str:
        kind, sql = self._part(node)
        if kind is not _Kind.TRUTH:
            raise ExpressionFault(f"expected a condition, found {node.sql(dialect='duckdb')[:80]}")
        return sql

    def _cell(self, node: exp.Expr) -> _Part:
        name = node.this
        if not isinstance(name, exp.Identifier) or not name.quoted or node.args.get("table"):
            raise ExpressionFault(f"expected headings in double quotes, found {node.sql(dialect='duckdb')[:80]}")
        if name.this not in self.headings:
            self.headings.append(name.this)
        return _Kind.CELL, mark(self.headings.index(name.this))

    def _literal(self, node: exp.Expr) -> _Part:
        if node.is_string:
            return _Kind.WORD, _quoted(str(node.this))
        if not isfinite(float(node.this)):
            raise ExpressionFault(f"{str(node.this)[:80]} is too large a number")
        return _Kind.NUMBER, f"CAST({float(node.this)!r} AS DOUBLE)"

    def _arithmetic(self, node: exp.Expr) -> _Part:
        sign = _ARITHMETIC[type(node)]
        return _Kind.NUMBER, f"({self._number(node.this)} {sign} {self._number(node.expression)})"

    def _division(self, node: exp.Expr) -> _Part:
        sign = _DIVISIONS[type(node)]
        return _Kind.NUMBER, f"({self._number(node.this)} {sign} nullif({self._number(node.expression)}, 0))"

    def _comparison(self, node: exp.Expr) -> _Part:
        left, right = _alike([self._part(node.this), self._part(node.expression)])[1]
        return _Kind.TRUTH, f"({left} {_COMPARISONS[type(node)]} {right})"

    def _both(self, node: exp.Expr, word: str) -> _Part:
        return _Kind.TRUTH, f"({self._truth(node.this)} {word} {self._truth(node.expression)})"

    def _is_null(self, node: exp.Expr) -> _Part:
        if not isinstance(node.expression, exp.Null):
            raise ExpressionFault(f"expected IS NULL, found {node.sql(dialect='duckdb')[:80]}")
        return _Kind.TRUTH, f"({self._part(node.this)[1]} IS NULL)"

    def _in(self, node: exp.Expr) -> _Part:
        if not node.expressions:
            raise ExpressionFault("expected a list of values behind IN")
        _, (what, *among) = _alike([self._part(node.this), *map(self._part, node.expressions)])
        return _Kind.TRUTH, f"({what} IN ({', '.join(among)}))"

    def _between(self, node: exp.Expr) -> _Part:
        parts = [self._part(node.this), self._part(node.args["low"]), self._part(node.args["high"])]
        _, (what, low, high) = _alike(parts)
        return _Kind.TRUTH, f"({what} BETWEEN {low} AND {high})"

    def _case(self, node: exp.Expr) -> _Part:
        branches = cast("list[exp.If]", node.args["ifs"])
        otherwise = node.args.get("default")
        kind, results = _alike(
            [*(self._part(branch.args["true"]) for branch in branches), self._part(otherwise or exp.Null())]
        )
        whens = [self._when(node.this, branch) for branch in branches]
        cases = " ".join(f"WHEN {when} THEN {then}" for when, then in zip(whens, results, strict=False))
        return kind, f"(CASE {cases} ELSE {results[-1]} END)"

    def _when(self, subject: exp.Expr | None, branch: exp.If) -> str:
        if subject is None:
            return self._truth(branch.this)
        left, right = _alike([self._part(subject), self._part(branch.this)])[1]
        return f"({left} = {right})"

    def _choice(self, node: exp.Expr) -> _Part:
        kind, sql = _alike([self._part(node.this), *map(self._part, node.expressions)])
        return kind, f"{_CHOICES[type(node)]}({', '.join(sql)})"

    def _nullif(self, node: exp.Expr) -> _Part:
        kind, (this, other) = _alike([self._part(node.this), self._part(node.expression)])
        return kind, f"nullif({this}, {other})"

    def _round(self, node: exp.Expr) -> _Part:
        digits = node.args.get("decimals")
        return _Kind.NUMBER, f"round({self._number(node.this)}, {_whole(digits, 6) if digits else 0})"

    def _of_number(self, node: exp.Expr) -> _Part:
        return _Kind.NUMBER, f"{_OF_NUMBERS[type(node)]}({self._number(node.this)})"

    def _of_text(self, node: exp.Expr) -> _Part:
        if node.args.get("expression"):
            raise ExpressionFault("expected trim(text)")
        return _Kind.CELL, f"{_OF_TEXTS[type(node)]}({self.text_of(node.this)})"

    def _end(self, node: exp.Expr) -> _Part:
        return _Kind.CELL, f'"{_ENDS[type(node)]}"({self.text_of(node.this)}, {_whole(node.expression, 200)})'

    def _substring(self, node: exp.Expr) -> _Part:
        length = node.args.get("length")
        end = f", {_whole(length, 200)}" if length else ""
        return _Kind.CELL, f"substr({self.text_of(node.this)}, {_whole(node.args.get('start'), 10_000)}{end})"

    def _texts(self, function: str, nodes: Sequence[exp.Expr]) -> _Part:
        return _Kind.WORD, f"{function}({', '.join(map(self.text_of, nodes))})"

    def _earlier(self, node: exp.Expr) -> _Part:
        """A day so many days or months before another, as 2026-10-31; null where there is no such day."""
        interval = _EARLIER.get(str(node.this).lower())
        if interval is None or len(node.expressions) != 2:
            raise ExpressionFault(f"{str(node.this)[:80]} is not understood; known functions are {_FUNCTIONS}")
        day = f"TRY_CAST({self.text_of(node.expressions[0])} AS DATE)"
        distance = f"TRY_CAST(round({self._number(node.expressions[1])}) AS INTEGER)"
        earlier = f"strftime({day} - {interval}({distance}), '%Y-%m-%d')"
        # What lies farther off may be no day of the engine's, and would stop the statement.
        is_near = f"year({day}) BETWEEN 1900 AND 2099 AND {distance} BETWEEN -{_FARTHEST} AND {_FARTHEST}"
        return _Kind.WORD, f"(CASE WHEN {is_near} THEN {earlier} END)"


def _alike(parts: Sequence[_Part]) -> tuple[_Kind, list[str]]:
    """Return parts as one kind: numbers if one of them is and none is a word, else texts."""
    kinds = {kind for kind, _ in parts} - {_Kind.NULL}
    if kinds == {_Kind.TRUTH}:
        return _Kind.TRUTH, [sql for _, sql in parts]
    if _Kind.NUMBER in kinds and _Kind.WORD not in kinds:
        return _Kind.NUMBER, [_as_number(part) for part in parts]
    return (_Kind.CELL if kinds == {_Kind.CELL} else _Kind.WORD), [_as_text(part) for part in parts]


def _as_number(part: _Part) -> str:
    kind, sql = part
    match kind:
        case _Kind.NUMBER:
            return sql
        case _Kind.NULL:
            return "CAST(NULL AS DOUBLE)"
        case _Kind.TRUTH:
            raise ExpressionFault("expected a number, found a condition")
        case _Kind.CELL | _Kind.WORD:
            return f"TRY_CAST(replace(trim({sql}), ',', '') AS DOUBLE)"


def _as_text(part: _Part) -> str:
    kind, sql = part
    match kind:
        case _Kind.NUMBER:
            return f"regexp_replace(printf('%.6f', {sql} + 0.0), '[.]?0*$', '')"
        case _Kind.NULL:
            return "CAST(NULL AS VARCHAR)"
        case _Kind.TRUTH:
            return f"(CASE WHEN {sql} THEN 'true' WHEN NOT {sql} THEN 'false' END)"
        case _Kind.CELL | _Kind.WORD:
            return sql


def _whole(node: object, most: int) -> int:
    """Return a literal whole number; anything computed could be any size."""
    if isinstance(node, exp.Literal) and not node.is_string and str(node.this).isdecimal() and int(node.this) <= most:
        return int(node.this)
    raise ExpressionFault(f"expected a whole number up to {most} for a number of characters or digits")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
