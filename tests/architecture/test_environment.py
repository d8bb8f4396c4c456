"""Every environment variable is a declared setting, described once and documented where people look."""

import re
from collections import defaultdict

from shared.clock import OFFSET_VARIABLE
from shared.process import TETHER_VARIABLE
from tests.architecture.environment import COMPOSE_ONLY, EXAMPLE, declared, default_of, example
from tests.architecture.tree import ROOT, files, place, python_files

_VARIABLE = re.compile(r"\bVISAVIS_[A-Z][A-Z0-9_]*[A-Z0-9]\b")
_OUTSIDE_SETTINGS = {OFFSET_VARIABLE, TETHER_VARIABLE, "VISAVIS_TEST_DATA"}
"""The clock is read before settings are, the tether is the supervisor's own, and the last is the tests'."""


def known() -> set[str]:
    return {name for _, name, _ in declared()}


def test_the_example_says_what_the_settings_classes_say() -> None:
    assert EXAMPLE.read_text() == example(), "run `make env`"


def test_every_settings_class_refuses_what_is_misspelled() -> None:
    strays = [
        place(path)
        for path in python_files("services", "shared")
        if "BaseSettings" in path.read_text() and place(path) != "shared/settings.py"
    ]
    assert strays == [], "derive from shared.settings.VisavisSettings, or EnvironmentSettings with a prefix"


def test_one_setting_says_where_the_lake_is() -> None:
    own = re.compile(r"""home / ["']lake["']""")
    strays = [place(path) for path in python_files("services", "shared") if own.search(path.read_text())]
    assert strays == ["shared/lake/settings.py"], "use shared.lake.settings.LakeSettings().root"


def test_every_setting_is_described_in_a_sentence() -> None:
    unclear = [
        f"{module.__name__}: {name}: {field.description}"
        for module, name, field in declared()
        if not (field.description or "").endswith(".")
    ]
    assert unclear == [], "write Field(description=…) as a sentence: it is what .env.example shows"


def test_every_setting_has_a_default_so_that_make_run_needs_none() -> None:
    assert [name for _, name, field in declared() if field.is_required()] == []


def test_a_variable_that_several_processes_read_has_one_default() -> None:
    defaults = defaultdict(set)
    for _, name, field in declared():
        defaults[name].add(default_of(field))
    assert {name: found for name, found in defaults.items() if len(found) > 1} == {}


def test_every_variable_that_is_named_outside_the_tests_exists() -> None:
    allowed = known() | COMPOSE_ONLY.keys() | _OUTSIDE_SETTINGS
    unknown = [
        f"{place(path, number)}: {name}"
        for path in files()
        if not path.is_relative_to(ROOT / "tests") and path.suffix not in {".binpb", ".png"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for name in _VARIABLE.findall(line)
        if name not in allowed and not any(other.startswith(f"{name}_") for other in allowed)
    ]
    assert unknown == [], "no settings class reads it: misspelled, or left over"
