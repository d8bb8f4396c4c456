"""The suites of the DMN TCK that are tables pass, and the runner tells what fails, what is skipped, and why."""

from pathlib import Path

import pytest

from tests.conformance import tck_folders as tck
from tests.conformance.dmn_tck.__main__ import Verdict, main, run
from tests.data import reference_data

SUITES = reference_data("dmn-tck")
NAMES = sorted(path.name for path in SUITES.iterdir() if path.is_dir()) if SUITES else []
AGES = """
< 18  | "young"
>= 18 | "grown up"
"""
Captured = pytest.CaptureFixture[str]


def said(folder: Path, capsys: Captured) -> tuple[int, list[str]]:
    code = main([str(folder)])
    return code, capsys.readouterr().out.splitlines()


@pytest.mark.skipif(SUITES is None, reason="dmn-tck is not in ../shared/data nor in VISAVIS_TEST_DATA")
@pytest.mark.parametrize("name", NAMES)
def test_every_expectation_of_a_suite_of_the_tck_passes(name: str) -> None:
    assert SUITES is not None
    lines = list(run(SUITES / name))
    assert [line for line in lines if line.verdict is not Verdict.PASSED] == []
    assert len(lines) >= 3


def test_a_wrong_expectation_fails_with_what_was_found_and_ends_with_1(tmp_path: Path, capsys: Captured) -> None:
    folder = tck.suite(
        tmp_path,
        elements=tck.input_data("Age")
        + tck.decision("Group", tck.table("Age", AGES.replace("<", "&lt;")), requires="in_Age"),
        cases=tck.case("1", tck.told("Age", "17", "decimal"), tck.expect("Group", "young", "string"))
        + tck.case("2", tck.told("Age", "18", "decimal"), tck.expect("Group", "young", "string")),
    )
    code, lines = said(folder, capsys)
    assert code == 1
    file = "TestCases/compliance-level-9/0001-own/0001-own-test-01.xml"
    assert lines == [f'failed: {file} 2 Group: expected "young", found "grown up"', "1 passed, 1 failed"]


def test_what_the_tck_writes_otherwise_than_we_do_is_mapped_at_the_edge(tmp_path: Path, capsys: Captured) -> None:
    rates = '&gt; Base Rate | Applicant.Grade | [Base Rate..9] | "dear"\n- | - | - | "cheap"'
    parts = '<component name="Monthly Income"><value>{}</value></component><component name="Grade"><value>A</value></component>'
    inputs = "Applicant.Monthly Income|Grade of the Day|Applicant.Monthly Income"
    folder = tck.suite(
        tmp_path,
        elements="".join(
            [
                tck.input_data("Applicant"),
                tck.input_data("Grade of the Day"),
                tck.decision("Base Rate", tck.literal("4.5"), type_ref="number"),
                tck.decision(
                    "Offer",
                    tck.table(inputs, rates, hit_policy="FIRST"),
                    requires="in_Applicant Base_Rate in_Grade_of_the_Day",
                ),
                tck.decision("Same Offer", tck.literal("Offer"), requires="Offer"),
            ]
        ),
        cases="".join(
            tck.case(
                income,
                tck.told("Applicant", parts.format(income)) + tck.told("Grade of the Day", "A"),
                tck.expect("Same Offer", offer),
            )
            for income, offer in (("4.5", "cheap"), ("4.51", "dear"), ("9", "dear"), ("9.01", "cheap"))
        ),
    )
    assert said(folder, capsys) == (0, ["4 passed, 0 failed"])


@pytest.mark.parametrize(
    ("hit_policy", "age", "expected"),
    [
        ('COLLECT" aggregation="SUM', "70", "<value>5.5</value>"),
        ('COLLECT" aggregation="SUM', "10", "<value>0</value>"),
        ('COLLECT" aggregation="MIN', "70", "<value>2.5</value>"),
        ('COLLECT" aggregation="MAX', "70", "<value>3</value>"),
        ('COLLECT" aggregation="COUNT', "70", "<value>2</value>"),
        ("COLLECT", "70", "<list><item><value>2.5</value></item><item><value>3</value></item></list>"),
        ("OUTPUT ORDER", "70", "<list><item><value>3</value></item><item><value>2.5</value></item></list>"),
        ("PRIORITY", "70", "<value>3</value>"),
        ("FIRST", "70", "<value>2.5</value>"),
        ("FIRST", "10", "<value>0</value>"),
        ("UNIQUE", "70", '<value xsi:nil="true"/>'),
        ("ANY", "70", '<value xsi:nil="true"/>'),
    ],
)
def test_every_hit_policy_gives_what_dmn_says(
    hit_policy: str, age: str, expected: str, tmp_path: Path, capsys: Captured
) -> None:
    output = "<output><outputValues><text>3, 2.5</text></outputValues><defaultOutputEntry><text>0</text></defaultOutputEntry></output>"
    logic = tck.table("Age", "&gt;= 18 | 2.5\n&gt;= 60 | 3", hit_policy=hit_policy, outputs=output)
    elements = tck.input_data("Age", "number") + tck.decision("Days", logic, requires="in_Age")
    folder = tck.suite(
        tmp_path, elements=elements, cases=tck.case("1", tck.told("Age", age), tck.expect("Days", expected))
    )
    assert said(folder, capsys) == (0, ["1 passed, 0 failed"])


def test_an_endpoint_that_is_a_list_means_membership(tmp_path: Path, capsys: Captured) -> None:
    told = "<list><item><value>cough</value></item><item><value>fever</value></item><item><value>fever</value></item></list>"
    folder = tck.suite(
        tmp_path,
        elements=tck.input_data("Flu Symptoms")
        + tck.input_data("Symptom", "string")
        + tck.decision(
            "Flu", tck.table("Symptom", 'Flu Symptoms | true\n"pain","ache" | false'), requires="in_Symptom"
        ),
        cases="".join(
            tck.case(
                symptom, tck.told("Flu Symptoms", told) + tck.told("Symptom", symptom), tck.expect("Flu", found, kind)
            )
            for symptom, found, kind in (("fever", "true", ""), ("ache", "false", ""), ("cold", "", "nil"))
        ),
    )
    assert said(folder, capsys) == (0, ["3 passed, 0 failed"])


def test_our_null_rule_is_named_where_it_is_what_fails(tmp_path: Path, capsys: Captured) -> None:
    folder = tck.suite(
        tmp_path,
        elements=tck.input_data("Brand", "string")
        + tck.decision("Other", tck.table("Brand", 'not("GoTone") | true'), requires="in_Brand"),
        cases=tck.case("1", tck.told("Brand", "", "nil"), tck.expect("Other", "true", "boolean")),
    )
    code, (line, last) = said(folder, capsys)
    assert (code, last) == (1, "0 passed, 1 failed")
    assert 'expected true, found null (our null rule: null matches only "-" and "null"' in line


def test_what_is_neither_a_table_nor_a_literal_is_skipped_by_name(tmp_path: Path, capsys: Captured) -> None:
    age = tck.input_data("Age")
    elements = [
        age,
        tck.decision("Sum", tck.literal("Age + 1"), requires="in_Age"),
        tck.decision("Box", "<context><contextEntry/></context>"),
        tck.decision("Above", tck.table("Sum", '- | "x"'), requires="Sum"),
    ]
    names = ("Sum", "Box", "Above", "Nobody")
    expected = "".join(tck.expect(name, "1") for name in names) + tck.expect("f", "1", of="bkm")
    folder = tck.suite(tmp_path, elements="".join(elements), cases=tck.case("7", tck.told("Age", "1"), expected))
    code, lines = said(folder, capsys)
    assert (code, lines[-2:]) == (0, ["5 skipped", "0 passed, 0 failed"])
    told = [line.partition("test-01.xml 7 ")[2] for line in lines[:-2]]
    assert told == [
        'Sum: decision "Sum" is an expression, neither a constant nor a reference: Age + 1',
        'Box: decision "Box" is neither a table nor a literal: context',
        'Above: decision "Sum" is an expression, neither a constant nor a reference: Age + 1',
        'Nobody: "Nobody" is no decision of the model',
        "f: it is about a bkm",
    ]


@pytest.mark.parametrize(
    ("inputs", "rules", "why"),
    [
        ("Age", '5..7 | "x"', 'decision "Group", rule 1, column 1. Age: "5..7": write "[5..7]"'),
        ("Age", '- | upper("x")', "upper("),
        ("Age * 2", '- | "x"', 'input expression "Age * 2": expected the name of a plain input'),
        ("Age", "- | 1 | 2", "2 × outputEntry: expected 1, one per column"),
    ],
)
def test_a_table_beyond_s_feel_fails_and_says_where(
    inputs: str, rules: str, why: str, tmp_path: Path, capsys: Captured
) -> None:
    elements = tck.input_data("Age", "number") + tck.decision("Group", tck.table(inputs, rules), requires="in_Age")
    folder = tck.suite(tmp_path, elements=elements, cases=tck.case("1", tck.told("Age", "6"), tck.expect("Group", "x")))
    code, lines = said(folder, capsys)
    assert (code, lines[-1]) == (1, "0 passed, 1 failed")
    assert why in lines[0]


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("0001-own.dmn", b"<definitions", "0001-own.dmn: no XML: unclosed token"),
        ("0001-own.dmn", b"<html/>", '0001-own.dmn: its root is <html> of ""'),
        ("0001-own.dmn", b'<!DOCTYPE d [<!ENTITY x "y">]><d>&x;</d>', "0001-own.dmn: it begins with a DOCTYPE"),
        ("0001-own.dmn", None, "0001-own.dmn: No such file or directory"),
        ("0001-own-test-01.xml", b"\xff\xfe", "test-01.xml: no XML"),
        ("0001-own-test-01.xml", b"<testCases/>", "expected testCases of the TCK"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_failure_and_no_traceback(
    file: str, content: bytes | None, why: str, tmp_path: Path, capsys: Captured
) -> None:
    cases = tck.case("1", "", tck.expect("One", "1"))
    folder = tck.suite(tmp_path, elements=tck.decision("One", tck.literal("1")), cases=cases)
    assert said(folder, capsys) == (0, ["1 passed, 0 failed"])
    path = folder / "TestCases/compliance-level-9/0001-own" / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    code, lines = said(folder, capsys)
    assert (code, lines[-1]) == (1, "0 passed, 1 failed")
    assert why in lines[0]


def test_a_folder_without_suites_is_no_success(tmp_path: Path, capsys: Captured) -> None:
    assert said(tmp_path, capsys) == (1, ["0 passed, 0 failed"])
    assert main([str(tmp_path / "absent")]) == 2
