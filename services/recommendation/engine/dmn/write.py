"""Writes DMN 1.3 XML that dmn-js opens and that `read_definitions` reads as what was written."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from services.recommendation.engine.dmn.diagram import add_diagram, requirement_id
from services.recommendation.engine.dmn.markup import render
from services.recommendation.engine.dmn.model import (
    MODEL,
    OWN,
    Decision,
    Declared,
    Definitions,
    InputClause,
    OutputClause,
    RuleEntry,
    Table,
)

_ROOT = {
    "xmlns": MODEL,
    "xmlns:dmndi": "https://www.omg.org/spec/DMN/20191111/DMNDI/",
    "xmlns:dc": "http://www.omg.org/spec/DMN/20180521/DC/",
    "xmlns:di": "http://www.omg.org/spec/DMN/20180521/DI/",
    "xmlns:visavis": OWN,
}


def write_definitions(definitions: Definitions) -> bytes:
    """Return the file of decisions that are tables and need input data only, the same bytes each time.

    Raises InvalidInput for a character that XML cannot hold.
    """
    head = {"id": "matrices", "name": definitions.name, "namespace": "urn:visavis:matrices", "exporter": "Visavis"}
    root = Element("definitions", _ROOT | head)
    for decision in definitions.decisions:
        _add_decision(root, decision)
    for data in definitions.input_data:
        element = SubElement(root, "inputData", {"id": data.id, "name": data.name})
        _add_variable(element, f"{data.id}_variable", data.name, data.type_ref)
    add_diagram(root, definitions)
    return render(root)


def _add_decision(root: Element, decision: Decision) -> None:
    element = SubElement(root, "decision", {"id": decision.id, "name": decision.name})
    _add_declared(element, decision.declared)
    _add_variable(element, f"{decision.id}_variable", decision.name, decision.type_ref)
    for required in decision.requires:
        requirement = SubElement(element, "informationRequirement", {"id": requirement_id(decision.id, required)})
        SubElement(requirement, "requiredInput", {"href": f"#{required}"})
    if decision.table is not None:
        _add_table(element, decision.table, f"{decision.id}_table")


def _add_declared(parent: Element, declared: Declared) -> None:
    if declared == Declared():
        return
    named = {"purpose": declared.purpose} | ({"city": declared.city} if declared.city else {})
    own = SubElement(SubElement(parent, "extensionElements"), "visavis:matrix", named)
    for parameter in declared.parameters:
        element = SubElement(own, "visavis:parameter", {"name": parameter.name, "value": parameter.value})
        for city, value in parameter.by_city.items():
            SubElement(element, "visavis:city", {"name": city, "value": value})
    for computed in declared.computed:
        unit = {"unit": computed.unit} if computed.unit else {}
        SubElement(own, "visavis:computed", {"name": computed.name} | unit).text = computed.text
    for name, values in declared.lists.items():
        element = SubElement(own, "visavis:list", {"name": name})
        for value in values:
            SubElement(element, "visavis:value").text = value
    for row, cells in declared.comments.items():
        for cell in cells:
            SubElement(own, "visavis:comment", {"row": str(row)}).text = cell


def _add_variable(parent: Element, element_id: str, name: str, type_ref: str) -> None:
    SubElement(parent, "variable", {"id": element_id, "name": name} | _typed(type_ref))


def _add_table(parent: Element, table: Table, element_id: str) -> None:
    aggregation = {"aggregation": table.aggregation} if table.aggregation else {}
    head = {"id": element_id, "hitPolicy": table.hit_policy} | aggregation
    element = SubElement(parent, "decisionTable", head)
    for number, column in enumerate(table.inputs, start=1):
        _add_input(element, column, f"{element_id}_input_{number}")
    for number, output in enumerate(table.outputs, start=1):
        _add_output(element, output, f"{element_id}_output_{number}")
    for number, rule in enumerate(table.rules, start=1):
        _add_rule(element, rule, f"{element_id}_rule_{number}")


def _add_input(parent: Element, column: InputClause, element_id: str) -> None:
    clause = SubElement(parent, "input", {"id": element_id} | _labelled(column.label))
    expression = SubElement(clause, "inputExpression", {"id": f"{element_id}_expression"} | _typed(column.type_ref))
    _add_text(expression, column.expression)
    if column.values:
        _add_text(SubElement(clause, "inputValues", {"id": f"{element_id}_values"}), column.values)


def _add_output(parent: Element, output: OutputClause, element_id: str) -> None:
    named = {"id": element_id} | _labelled(output.label) | {"name": output.name} | _typed(output.type_ref)
    clause = SubElement(parent, "output", named)
    given = {"values": output.given_values, "default": output.given_default}
    if any(given.values()):
        own = {name: value for name, value in given.items() if value}
        SubElement(SubElement(clause, "extensionElements"), "visavis:output", own)
    if output.values:
        _add_text(SubElement(clause, "outputValues", {"id": f"{element_id}_values"}), output.values)
    if output.default:
        _add_text(SubElement(clause, "defaultOutputEntry", {"id": f"{element_id}_default"}), output.default)


def _add_rule(parent: Element, rule: RuleEntry, element_id: str) -> None:
    element = SubElement(parent, "rule", {"id": element_id})
    if rule.note:
        SubElement(element, "description").text = rule.note
    own = {name: value for name, value in (("row", rule.row), ("replaces", rule.replaces)) if value}
    if own:
        SubElement(SubElement(element, "extensionElements"), "visavis:rule", own)
    _add_entries(element, "inputEntry", rule.inputs, element_id)
    _add_entries(element, "outputEntry", rule.outputs, element_id)


def _add_entries(parent: Element, name: str, texts: Sequence[str], element_id: str) -> None:
    for number, text in enumerate(texts, start=1):
        _add_text(SubElement(parent, name, {"id": f"{element_id}_{name}_{number}"}), text)


def _add_text(parent: Element, text: str) -> None:
    SubElement(parent, "text").text = text


def _labelled(label: str) -> dict[str, str]:
    return {"label": label} if label else {}


def _typed(type_ref: str) -> dict[str, str]:
    return {"typeRef": type_ref} if type_ref else {}
