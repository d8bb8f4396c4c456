"""Reads DMN 1.1 to 1.5 XML into its elements, whoever wrote it."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from services.recommendation.engine.dmn.markup import parse
from services.recommendation.engine.dmn.model import (
    LAST_ROW,
    NAMESPACES,
    OWN,
    Computed,
    Decision,
    Declared,
    Definitions,
    InputClause,
    InputData,
    ItemDefinition,
    OutputClause,
    Parameter,
    RuleEntry,
    Table,
)
from shared.errors import InvalidInput

_LOGIC = (
    "decisionTable", "literalExpression", "invocation", "context", "contextEntry", "list", "relation", "functionDefinition",
    "conditional", "for", "every", "some", "filter",
)  # fmt: skip


def read_definitions(content: bytes, *, where: str = "DMN") -> Definitions:
    """Return what the file says. Raises InvalidInput, about the file `where`, for what is no DMN 1.1 to 1.5."""
    root = parse(content, where=where)
    namespace, _, name = root.tag.removeprefix("{").rpartition("}")
    if name != "definitions" or namespace not in NAMESPACES:
        raise InvalidInput.of(
            where,
            f'its root is <{name}> of "{namespace}": expected <definitions> of DMN 1.1 to 1.5, as in {NAMESPACES[2]}',
        )
    return _Reader(namespace).definitions(root)


class _Reader:
    """Knows the namespace of the file."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    def definitions(self, root: Element) -> Definitions:
        items = (self._item(element) for element in self._all(root, "itemDefinition"))
        return Definitions(
            name=root.get("name", ""),
            decisions=tuple(self._decision(element) for element in self._all(root, "decision")),
            input_data=tuple(self._input_data(element) for element in self._all(root, "inputData")),
            items={item.name: item for item in items},
        )

    def _decision(self, element: Element) -> Decision:
        logic = next((name for name in _LOGIC if self._one(element, name) is not None), "")
        literal = self._one(element, "literalExpression")
        table = self._one(element, "decisionTable")
        name = element.get("name", "") or element.get("id", "")
        return Decision(
            id=element.get("id", ""),
            name=name,
            type_ref=self._variable_type(element),
            table=None if table is None else self._table(table, name),
            literal=None if literal is None else self._text(literal, "text"),
            logic=logic,
            requires=tuple(self._required(element)),
            declared=self._declared(element),
        )

    def _input_data(self, element: Element) -> InputData:
        return InputData(element.get("id", ""), element.get("name", ""), self._variable_type(element))

    def _item(self, element: Element) -> ItemDefinition:
        components = (self._item(component) for component in self._all(element, "itemComponent"))
        return ItemDefinition(
            name=element.get("name", ""),
            type_ref=_unprefixed(self._text(element, "typeRef")),
            is_collection=element.get("isCollection") in {"true", "1"},
            components={component.name: component for component in components},
        )

    def _table(self, element: Element, decision: str) -> Table:
        outputs = self._all(element, "output")
        alone = element.get("outputLabel") or decision
        annotations = [clause.get("name", "") for clause in self._all(element, "annotation")]
        return Table(
            hit_policy=element.get("hitPolicy", "UNIQUE"),
            aggregation=element.get("aggregation", ""),
            inputs=tuple(self._input(clause) for clause in self._all(element, "input")),
            outputs=tuple(self._output(clause, alone) for clause in outputs),
            rules=tuple(self._rule(rule, annotations) for rule in self._all(element, "rule")),
        )

    def _input(self, element: Element) -> InputClause:
        expression = self._one(element, "inputExpression")
        text = "" if expression is None else self._text(expression, "text")
        return InputClause(
            expression=text or element.get("label", ""),
            type_ref="" if expression is None else _unprefixed(expression.get("typeRef", "")),
            values=self._entry(element, "inputValues"),
            label=element.get("label", ""),
        )

    def _output(self, element: Element, alone: str) -> OutputClause:
        """Return a column; the only one of a table may be without a name and is then called like the table."""
        own = _own(self._one(element, "extensionElements"), "output")
        return OutputClause(
            name=element.get("name") or element.get("label") or alone,
            label=element.get("label", ""),
            type_ref=_unprefixed(element.get("typeRef", "")),
            values=self._entry(element, "outputValues"),
            default=self._entry(element, "defaultOutputEntry"),
            given_values="" if own is None else own.get("values", ""),
            given_default="" if own is None else own.get("default", ""),
        )

    def _rule(self, element: Element, annotations: list[str]) -> RuleEntry:
        own = _own(self._one(element, "extensionElements"), "rule")
        return RuleEntry(
            inputs=tuple(self._text(entry, "text") for entry in self._all(element, "inputEntry")),
            outputs=tuple(self._text(entry, "text") for entry in self._all(element, "outputEntry")),
            note=self._text(element, "description") or self._annotations(element, annotations),
            row="" if own is None else own.get("row", ""),
            replaces="" if own is None else own.get("replaces", ""),
        )

    def _annotations(self, element: Element, names: list[str]) -> str:
        """Return all annotations of a rule as one note, each after the name of its column where there are several."""
        texts = [self._text(entry, "text") for entry in self._all(element, "annotationEntry")]
        if len(texts) == 1:
            return texts[0]
        named = zip([*names, *[""] * len(texts)], texts, strict=False)
        return "; ".join(f"{name}: {text}" if name else text for name, text in named if text)

    def _required(self, decision: Element) -> Iterator[str]:
        for requirement in self._all(decision, "informationRequirement"):
            for name in ("requiredInput", "requiredDecision"):
                required = self._one(requirement, name)
                if required is not None:
                    yield required.get("href", "").rpartition("#")[2]

    def _declared(self, decision: Element) -> Declared:
        own = _own(self._one(decision, "extensionElements"), "matrix")
        return Declared() if own is None else _declared(own)

    def _variable_type(self, element: Element) -> str:
        variable = self._one(element, "variable")
        return "" if variable is None else _unprefixed(variable.get("typeRef", ""))

    def _entry(self, element: Element, name: str) -> str:
        entry = self._one(element, name)
        return "" if entry is None else self._text(entry, "text")

    def _text(self, element: Element, name: str) -> str:
        found = self._one(element, name)
        return "" if found is None else (found.text or "").strip()

    def _one(self, element: Element, name: str) -> Element | None:
        return element.find(f"{{{self._namespace}}}{name}")

    def _all(self, element: Element, name: str) -> list[Element]:
        return element.findall(f"{{{self._namespace}}}{name}")


def _declared(own: Element) -> Declared:
    return Declared(
        purpose=own.get("purpose", ""),
        city=own.get("city", ""),
        parameters=tuple(_parameter(element) for element in own.findall(f"{{{OWN}}}parameter")),
        computed=tuple(
            Computed(element.get("name", ""), _own_text(element), element.get("unit", ""))
            for element in own.findall(f"{{{OWN}}}computed")
        ),
        lists={
            element.get("name", ""): tuple(_own_text(value) for value in element.findall(f"{{{OWN}}}value"))
            for element in own.findall(f"{{{OWN}}}list")
        },
        comments=_comments(own),
    )


def _comments(own: Element) -> dict[int, tuple[str, ...]]:
    rows: dict[int, tuple[str, ...]] = {}
    for element in own.findall(f"{{{OWN}}}comment"):
        row = element.get("row", "")
        if row.isascii() and row.isdigit() and 0 < int(row[:8]) <= LAST_ROW:
            rows[int(row[:8])] = (*rows.get(int(row[:8]), ()), _own_text(element))
    return {row: cells for row, cells in rows.items() if cells[0].startswith("#")}


def _parameter(element: Element) -> Parameter:
    cities = element.findall(f"{{{OWN}}}city")
    return Parameter(
        element.get("name", ""),
        element.get("value", ""),
        {city.get("name", ""): city.get("value", "") for city in cities},
    )


def _own(extension: Element | None, name: str) -> Element | None:
    return None if extension is None else extension.find(f"{{{OWN}}}{name}")


def _own_text(element: Element) -> str:
    return (element.text or "").strip()


def _unprefixed(type_ref: str) -> str:
    """Return the name of a type without the prefix that DMN 1.1 gives it, as in `feel:string`."""
    return type_ref.rpartition(":")[2]
