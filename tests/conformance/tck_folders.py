"""Writes folders in the layout of the DMN TCK."""

from pathlib import Path

_MODEL = "https://www.omg.org/spec/DMN/20191111/MODEL/"
_CASES = (
    '<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
)


def suite(folder: Path, *, elements: str, cases: str) -> Path:
    """Write one suite: a model of these elements, and a test file of these cases. Return the folder above it."""
    place = folder / "TestCases" / "compliance-level-9" / "0001-own"
    place.mkdir(parents=True)
    head = f'<definitions xmlns="{_MODEL}" id="d" name="own" namespace="urn:own">'
    (place / "0001-own.dmn").write_text(f"{head}{elements}</definitions>", encoding="utf-8")
    body = f"{_CASES}<modelName>0001-own.dmn</modelName>{cases}</testCases>"
    (place / "0001-own-test-01.xml").write_text(body, encoding="utf-8")
    return folder


def decision(name: str, logic: str, *, requires: str = "", type_ref: str = "") -> str:
    """Return a decision with this logic, which requires elements by their ids; its own id is its name without spaces."""
    needs = "".join(f"<informationRequirement>{_reference(each)}</informationRequirement>" for each in requires.split())
    variable = f'<variable name="{name}" typeRef="{type_ref}"/>' if type_ref else ""
    return f'<decision id="{name.replace(" ", "_")}" name="{name}">{variable}{needs}{logic}</decision>'


def _reference(name: str) -> str:
    kind = "requiredInput" if name.startswith("in_") else "requiredDecision"
    return f'<{kind} href="#{name}"/>'


def input_data(name: str, type_ref: str = "") -> str:
    """Return input data, whose id is in_ and its name without spaces."""
    typed = f' typeRef="{type_ref}"' if type_ref else ""
    return f'<inputData id="in_{name.replace(" ", "_")}" name="{name}"><variable name="{name}"{typed}/></inputData>'


def literal(text: str) -> str:
    """Return a literal expression."""
    return f"<literalExpression><text>{text}</text></literalExpression>"


def table(inputs: str, rules: str, *, hit_policy: str = "UNIQUE", outputs: str = "<output/>") -> str:
    """Return a table: inputs separated by |, rules by lines, the cells of a rule by |, inputs first."""
    columns = inputs.split("|")
    heads = "".join(f"<input><inputExpression><text>{name}</text></inputExpression></input>" for name in columns)
    lines = "".join(_rule(line.split("|"), len(columns)) for line in rules.strip().splitlines())
    return f'<decisionTable hitPolicy="{hit_policy}">{heads}{outputs}{lines}</decisionTable>'


def _rule(cells: list[str], inputs: int) -> str:
    kinds = ["inputEntry"] * inputs + ["outputEntry"] * (len(cells) - inputs)
    return f"<rule>{''.join(f'<{kind}><text>{cell.strip()}</text></{kind}>' for kind, cell in zip(kinds, cells, strict=True))}</rule>"


def case(number: str, inputs: str, expected: str) -> str:
    """Return a test case of one input node each of `inputs` and result node each of `expected`, which are XML."""
    return f'<testCase id="{number}">{inputs}{expected}</testCase>'


def told(name: str, value: str, kind: str = "") -> str:
    """Return an input node of a plain value; `kind` is a type of XML Schema, "nil" for null, or nothing for an untyped value."""
    return f'<inputNode name="{name}">{_value(value, kind)}</inputNode>'


def expect(name: str, value: str, kind: str = "", *, of: str = "decision") -> str:
    """Return a result node."""
    return f'<resultNode name="{name}" type="{of}"><expected>{_value(value, kind)}</expected></resultNode>'


def _value(value: str, kind: str) -> str:
    if kind == "nil":
        return '<value xsi:nil="true"/>'
    if value.startswith("<"):
        return value
    return f'<value xsi:type="xsd:{kind}">{value}</value>' if kind else f"<value>{value}</value>"
