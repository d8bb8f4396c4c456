"""Evaluates the decisions of a model: tables by our own means, constants and plain references as they stand."""

from collections.abc import Mapping

from services.recommendation.engine.dmn.model import Decision, Definitions
from tests.conformance.dmn_tck.columnar import Columnar
from tests.conformance.dmn_tck.scope import Scope, Types, constant
from tests.conformance.dmn_tck.tables import Outcome, evaluate
from tests.conformance.dmn_tck.trees import Tree


class SkippedError(Exception):
    """What is expected is beyond tables and literals; the message names what, and why."""


class Model:
    """A model, evaluated anew for each test case."""

    def __init__(self, definitions: Definitions, columnar: Columnar) -> None:
        self._decisions = {decision.name: decision for decision in definitions.decisions}
        self._by_id = {decision.id: decision for decision in definitions.decisions}
        self._declared = {data.name: data.type_ref for data in definitions.input_data}
        self._types = Types(definitions)
        self._columnar = columnar

    def outcome(self, name: str, told: Mapping[str, Tree]) -> Outcome:
        """Return what the decision of this name gives. Raises SkippedError, FailedError."""
        decision = self._decisions.get(name)
        if decision is None:
            raise SkippedError(f'"{name}" is no decision of the model')
        return self._outcome(decision, told, ())

    def _outcome(self, decision: Decision, told: Mapping[str, Tree], above: tuple[str, ...]) -> Outcome:
        if decision.id in above:
            raise SkippedError(f'decision "{decision.name}" needs itself')
        scope = self._scope(decision, told, (*above, decision.id))
        if decision.table is not None:
            return evaluate(decision, decision.table, scope, self._types, self._columnar)
        if decision.literal is None:
            raise SkippedError(
                f'decision "{decision.name}" is neither a table nor a literal: {decision.logic or "empty"}'
            )
        return self._literal(decision.name, decision.literal, scope)

    def _scope(self, decision: Decision, told: Mapping[str, Tree], above: tuple[str, ...]) -> Scope:
        """Return what is told, and what the decisions give that this one needs."""
        required = [self._by_id[each] for each in decision.requires if each in self._by_id]
        given = {each.name: self._outcome(each, told, above).value for each in required if each.name not in told}
        declared = self._declared | {each.name: each.type_ref for each in required}
        return Scope.of(dict(told) | given, declared, self._types)

    def _literal(self, name: str, text: str, scope: Scope) -> Outcome:
        path = " ".join(text.split())
        if path in scope.trees:
            return Outcome(scope.trees[path], scope.trees[path], differs=False)
        literal = constant(scope.in_our_words(text))
        if literal is None:
            raise SkippedError(f'decision "{name}" is an expression, neither a constant nor a reference: {path}')
        return Outcome(literal.value, literal.value, differs=False)
