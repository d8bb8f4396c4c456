"""Files of DMN: ours have the form that the schema of DMN 1.3 asks for, others come in whoever wrote them, and bad ones say why not."""

from xml.etree import ElementTree as ET

import pytest

from services.recommendation.engine.dmn import (
    Matrix,
    decision_sheets,
    describe,
    read_definitions,
    write_definitions,
)
from services.recommendation.engine.dmn.model import MODEL, NAMESPACES
from services.recommendation.engine.matrix import DecisionTable, read_csv
from services.recommendation.engine.matrix.csv_layout import comments
from services.recommendation.engine.rulebook import read_matrix
from services.recommendation.engine.sheets import Document, matrix_sheets, read_document
from shared.errors import InvalidInput
from tests.unit.recommendation.feel.generated import FIELDS
from tests.unit.recommendation.matrix.generated import OUTPUTS

SHEET = '''matrix,new_service,PRIORITY,"新业务 ""A&B"""
arpu,need,active,=> main_policy,=> zone,note
# above 100 yuan
>= 100,"""rigid"",""sensitive""",-,全球通,a,不低于 <12> 个月
< tenure_limit,-,true,contract 260,,
'''.replace("tenure_limit", "平均话费")
OVERRIDE = '''matrix,retention,FIRST,合肥的保有
city,合肥
parameter,old_joined,"date(""2020-01-01"")"
computed,到期月数,months until(joined),months
list,brands,"""GoTone""","""全球通"""
到期月数,brand,joined,=> main_policy,replaces,note

<= 3,"brands,""M-Zone""",-,renew,7,
-,-,< old_joined,stay,,老客户
'''
# The order of children in DMN13.xsd, base types first; what is not named here has none of its own, or any.
ORDER = {
    "definitions": ("extensionElements", "itemDefinition", "decision", "inputData", "DMNDI"),
    "decision": ("description", "extensionElements", "question", "allowedAnswers", "variable", "informationRequirement", "decisionTable"),
    "inputData": ("description", "extensionElements", "variable"),
    "informationRequirement": ("requiredInput",),
    "decisionTable": ("description", "extensionElements", "input", "output", "annotation", "rule"),
    "input": ("description", "extensionElements", "inputExpression", "inputValues"),
    "output": ("description", "extensionElements", "outputValues", "defaultOutputEntry"),
    "rule": ("description", "extensionElements", "inputEntry", "outputEntry", "annotationEntry"),
    "inputExpression": ("text",),
    "inputValues": ("text",),
    "outputValues": ("text",),
    "defaultOutputEntry": ("text",),
    "inputEntry": ("text",),
    "outputEntry": ("text",),
    "DMNDI": ("DMNDiagram",),
    "DMNDiagram": ("DMNShape", "DMNEdge"),
    "DMNShape": ("Bounds",),
    "DMNEdge": ("waypoint",),
}  # fmt: skip
NEEDED = {
    "decision": "name",
    "inputData": "name",
    "variable": "name",
    "definitions": "namespace",
    "requiredInput": "href",
}
FOREIGN = """<?xml version="1.0"?>
<d:definitions xmlns:d="{namespace}" xmlns:other="urn:other" id="x" name="x" namespace="urn:x">
  <d:inputData id="i" name="arpu"/>
  <d:decision id="{id}" name="{name}">
    <d:description>made elsewhere</d:description>
    <d:extensionElements><other:colour>red</other:colour></d:extensionElements>
    <d:informationRequirement><d:requiredInput href="#i"/></d:informationRequirement>
    <d:decisionTable{policy}>
      <d:input label="ARPU"><d:inputExpression typeRef="feel:number"><d:text> arpu </d:text></d:inputExpression></d:input>
      <d:input label="brand"><d:inputExpression><d:text/></d:inputExpression></d:input>
      <d:output name="main_policy"/>
      <d:annotation name="why"/><d:annotation name="who"/>
      <d:rule>
        <d:inputEntry><d:text>{cell}</d:text></d:inputEntry><d:inputEntry><d:text></d:text></d:inputEntry>
        <d:outputEntry><d:text>"pay ""</d:text></d:outputEntry>
        <d:annotationEntry><d:text>churn</d:text></d:annotationEntry><d:annotationEntry><d:text>Li</d:text></d:annotationEntry>
      </d:rule>
    </d:decisionTable>
  </d:decision>
  <d:decision id="l" name="rate"><d:literalExpression><d:text>0.1</d:text></d:literalExpression></d:decision>
</d:definitions>""".replace('"pay ""', '"pay \\"100\\""')


def read(text: str) -> DecisionTable:
    return read_csv(text, fields=FIELDS, outputs=OUTPUTS)


def ours() -> bytes:
    table = read(SHEET)
    return write_definitions(describe([Matrix(table, OUTPUTS[table.purpose], comments(SHEET))] * 2))


def foreign(
    *,
    namespace: str = MODEL,
    decision_id: str = "retention",
    name: str = "Keep",
    policy: str = ' hitPolicy="FIRST"',
    cell: str = "&gt;= 100",
) -> bytes:
    return FOREIGN.format(namespace=namespace, id=decision_id, name=name, policy=policy, cell=cell).encode()


def local(tag: str) -> str:
    return tag.rpartition("}")[2]


def test_our_file_has_the_order_and_the_attributes_of_the_schema() -> None:
    root = ET.fromstring(ours())  # noqa: S314 - our own file
    seen = set()
    for element in root.iter():
        name = local(element.tag)
        seen.add(name)
        places = [ORDER[name].index(local(child.tag)) for child in element] if name in ORDER else []
        assert places == sorted(places), name
        assert element.get(NEEDED.get(name, ""), "given"), name
    assert ORDER.keys() <= seen
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_the_diagram_shows_every_element_and_every_requirement() -> None:
    root = ET.fromstring(ours())  # noqa: S314 - our own file
    shown = {element.get("dmnElementRef") for element in root.iter() if element.get("dmnElementRef")}
    drawn = {
        element.get("id")
        for element in root.iter()
        if local(element.tag) in {"decision", "inputData", "informationRequirement"}
    }
    assert shown == drawn
    required = {
        element.get("href", "").removeprefix("#") for element in root.iter() if local(element.tag) == "requiredInput"
    }
    assert required == {element.get("id") for element in root.iter() if local(element.tag) == "inputData"}


def test_a_file_says_in_the_words_of_dmn_what_our_columns_are() -> None:
    first, second = read_definitions(ours()).decisions
    assert first.table is not None
    assert (first.name, first.table.hit_policy) == ('新业务 "A&B"', "PRIORITY")
    assert [(column.expression, column.type_ref, column.values) for column in first.table.inputs] == [
        ("arpu", "number", ""),
        ("need", "string", '"rigid","sensitive","ordinary","none"'),
        ("active", "boolean", ""),
    ]
    zone = first.table.outputs[1]
    assert (zone.name, zone.type_ref, zone.values, zone.default) == ("zone", "string", '"a","b"', '"b"')
    assert (first.table.rules[0].note, first.table.rules[1].outputs) == ("不低于 <12> 个月", ('"contract 260"', "null"))
    assert (second.id, second.table) == ("decision_2", first.table)


def test_several_decisions_are_sheets_of_their_own_and_those_without_a_table_are_passed_over() -> None:
    one, two = decision_sheets(ours(), file_name="", purposes=list(OUTPUTS))
    assert (one.decision, two.decision) == ('新业务 "A&B"', '新业务 "A&B" (decision_2)')
    assert one.text == two.text == SHEET


def test_an_override_keeps_its_city_its_names_and_the_rows_that_it_replaces() -> None:
    table = read(OVERRIDE)
    content = write_definitions(describe([Matrix(table, OUTPUTS[table.purpose])]))
    (sheet,) = decision_sheets(content, file_name="", purposes=[])
    assert sheet.text == OVERRIDE
    assert [data.name for data in read_definitions(content).input_data] == [
        "到期月数",
        "brand",
        "joined",
        "old_joined",
        "brands",
    ]
    bad = content.replace(b"months until(joined)", b"months until(brand)")
    with pytest.raises(InvalidInput, match=r'decision "合肥的保有", computed input 到期月数: "months until\(brand\)"'):
        read_document(Document(bad), choose=matrix_sheets, read=read, reason="x")


def test_an_override_of_parameters_only_has_no_rules_and_comes_back() -> None:
    text = "matrix,retention,FIRST,合肥的门槛\ncity,合肥\nparameter,old_joined,16\njoined,=> main_policy\n"
    table = read(text)
    (sheet,) = decision_sheets(
        write_definitions(describe([Matrix(table, OUTPUTS[table.purpose])])), file_name="", purposes=[]
    )
    assert (sheet.text, read(sheet.text).rules) == (text, ())


def test_rules_that_an_editor_adds_moves_or_takes_out_leave_the_others_their_rows_where_they_can() -> None:
    text = "matrix,retention,FIRST,x\narpu,=> main_policy\n> 1,a\n\n> 2,b\n> 3,c\n"
    root = ET.fromstring(write_definitions(describe([Matrix(read(text), OUTPUTS["retention"])])))  # noqa: S314 - our own file
    table = next(element for element in root.iter() if local(element.tag) == "decisionTable")
    first, second, third = (element for element in table if local(element.tag) == "rule")
    added = ET.fromstring(ET.tostring(third).replace(b'row="6"', b"").replace(b"&gt; 3", b"&gt; 9"))  # noqa: S314 - as above
    for edited, rows in (
        ([first, third], {3: "> 1", 6: "> 3"}),
        ([first, added, second, third], {3: "> 1", 4: "> 9", 5: "> 2", 6: "> 3"}),
        ([first, second, added, third], {3: "> 1", 5: "> 2", 6: "> 9", 7: "> 3"}),
        ([third, first, second], {6: "> 3", 7: "> 1", 8: "> 2"}),
    ):
        for rule in [element for element in table if local(element.tag) == "rule"]:
            table.remove(rule)
        table.extend(edited)
        (sheet,) = decision_sheets(ET.tostring(root), file_name="", purposes=[])
        assert {rule.id: rule.cells[0].text for rule in read(sheet.text).rules} == rows


def test_a_row_that_no_spreadsheet_has_is_not_followed() -> None:
    content = ours().replace(b'row="4"', b'row="999999999999"')
    one, _ = decision_sheets(content, file_name="", purposes=[])
    assert one.text == SHEET


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_files_of_others_come_in_by_their_id_or_name_as_sheets_that_a_planner_would_have_written(
    namespace: str,
) -> None:
    by_id = foreign(namespace=namespace)
    (sheet,) = decision_sheets(by_id, file_name="", purposes=["retention"])
    assert sheet.text == (
        'matrix,retention,FIRST,Keep\narpu,brand,=> main_policy,note\n>= 100,-,"pay ""100""",why: churn; who: Li\n'
    )
    assert read(sheet.text).rules[0].outputs[0] == 'pay "100"'
    by_name = foreign(namespace=namespace, decision_id="d1", name="Retention", policy="")
    (sheet,) = decision_sheets(by_name, file_name="", purposes=["retention"])
    assert sheet.text.startswith("matrix,retention,UNIQUE,Retention\n")


@pytest.mark.parametrize(
    ("content", "where", "why"),
    [
        (foreign(decision_id="d1"), 'x.dmn, decision "Keep"', "it does not say what it is for: expected one of priority, retention"),
        (foreign(policy=' hitPolicy="BEST"'), 'x.dmn, decision "Keep"', '"BEST" is no hit policy: expected one of UNIQUE'),
        (foreign(policy=' hitPolicy="COLLECT" aggregation="MEAN"'), 'x.dmn, decision "Keep"', '"MEAN" is no aggregation'),
        (foreign(cell="&gt; 1 and"), 'x.dmn, decision "Keep", rule 1, column arpu', '"> 1 and": '),
        (foreign(cell="# x"), 'x.dmn, decision "Keep", rule 1, column arpu', '"# x": expected an S-FEEL unary test'),
        (foreign().replace(b"arpu </", b"apru </"), 'x.dmn, decision "Keep", column apru', 'did you mean "arpu"'),
        (foreign().replace(b'"main_policy"', b'"main"'), 'x.dmn, decision "Keep", column main', "is no output of this purpose"),
        (foreign().replace(b"<d:inputEntry><d:text></d:text></d:inputEntry>", b""), 'x.dmn, decision "Keep", rule 1', "1 × inputEntry: expected 2"),
        (foreign().replace(b"d:rule", b"d:rul"), 'x.dmn, decision "Keep"', "the table has no rule"),
        (foreign().replace(b"decisionTable", b"context"), "x.dmn", "no decision in it has a decisionTable; it has Keep, rate"),
        (foreign(namespace="urn:y"), "x.dmn", 'its root is <definitions> of "urn:y": expected <definitions> of DMN 1.1 to 1.5'),
        (b"<a", "x.dmn", "no XML: unclosed token"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "x.dmn", "it begins with a DOCTYPE"),
        (b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><x>&b;</x>', "x.dmn", "it begins with a DOCTYPE"),
        (b"<x>&a;</x>", "x.dmn", "no XML: undefined entity"),
        (b"<x>" * 50, "x.dmn", "more than 40 levels"),
        (b"<x>" + b" " * (8 << 20), "x.dmn", "8,388,611 octets, at most 8,388,608 expected"),
        (b'<?xml version="1.0" encoding="GBK"?><x/>', "x.dmn", "no XML"),
    ],
)  # fmt: skip
def test_a_bad_file_says_where_it_is_bad_and_what_was_expected(content: bytes, where: str, why: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_document(
            Document(content, "x.dmn"),
            choose=matrix_sheets,
            read=lambda text: read_matrix(text, fields=FIELDS),
            reason="ERROR_REASON_MATRIX_INVALID",
        )
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    found = {violation.field: violation.description for violation in refused.value.violations}
    assert why in found[where]


def test_what_xml_cannot_hold_is_refused_when_it_goes_out() -> None:
    table = read(SHEET.replace("不低于", "\x07"))
    with pytest.raises(InvalidInput, match=r'"� <12> 个月": XML cannot hold its character U\+0007, CSV can'):
        write_definitions(describe([Matrix(table)]))
