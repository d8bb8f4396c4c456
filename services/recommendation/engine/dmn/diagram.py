"""Draws the decisions of a file: without shapes dmn-js shows no diagram to pick a table from."""

from xml.etree.ElementTree import Element, SubElement

from services.recommendation.engine.dmn.model import Decision, Definitions

_DECISION_WIDTH, _DECISION_HEIGHT = 180, 80
_DATA_WIDTH, _DATA_HEIGHT = 125, 45
_ACROSS = 6
_COLUMN, _ROW, _MARGIN = 160, 90, 100


def requirement_id(decision: str, required: str) -> str:
    """Return the id of the requirement by which a decision needs another element."""
    return f"{decision}_needs_{required}"


def add_diagram(root: Element, definitions: Definitions) -> None:
    """Add one diagram: each decision above the input data that it is the first to need, six in a row."""
    diagram = SubElement(SubElement(root, "dmndi:DMNDI"), "dmndi:DMNDiagram", {"id": "diagram"})
    places: dict[str, tuple[int, int]] = {}
    top = _MARGIN
    for decision in definitions.decisions:
        new = [each for each in decision.requires if each not in places]
        middle = _MARGIN + (min(max(len(new), 1), _ACROSS) - 1) * _COLUMN // 2 + _DATA_WIDTH // 2
        places[decision.id] = (middle - _DECISION_WIDTH // 2, top)
        top += _DECISION_HEIGHT + _ROW
        for number, name in enumerate(new):
            places[name] = (_MARGIN + number % _ACROSS * _COLUMN, top + number // _ACROSS * _ROW)
        top += -(-len(new) // _ACROSS) * _ROW + _ROW
    for name, place in places.items():
        _add_shape(diagram, name, place, is_decision=any(name == decision.id for decision in definitions.decisions))
    for decision in definitions.decisions:
        _add_edges(diagram, decision, places)


def _add_shape(diagram: Element, name: str, place: tuple[int, int], *, is_decision: bool) -> None:
    width, height = (_DECISION_WIDTH, _DECISION_HEIGHT) if is_decision else (_DATA_WIDTH, _DATA_HEIGHT)
    shape = SubElement(diagram, "dmndi:DMNShape", {"id": f"{name}_shape", "dmnElementRef": name})
    bounds = {"height": height, "width": width, "x": place[0], "y": place[1]}
    SubElement(shape, "dc:Bounds", {side: str(size) for side, size in bounds.items()})


def _add_edges(diagram: Element, decision: Decision, places: dict[str, tuple[int, int]]) -> None:
    left, top = places[decision.id]
    end = (left + _DECISION_WIDTH // 2, top + _DECISION_HEIGHT)
    for required in decision.requires:
        name = requirement_id(decision.id, required)
        edge = SubElement(diagram, "dmndi:DMNEdge", {"id": f"{name}_edge", "dmnElementRef": name})
        start = (places[required][0] + _DATA_WIDTH // 2, places[required][1])
        for x, y in (start, end):
            SubElement(edge, "di:waypoint", {"x": str(x), "y": str(y)})
