"""Rules of STYLE that no linter of ours has, each with a message that says what to do instead."""

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, dotted, files, functions, parsed, place, python_files

_TELLS_THE_TIME = {
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.strftime", "time.ctime",
    "datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today",
}  # fmt: skip
_SQL_CLOCK = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday|today|get_current_timestamp)\s*\(\s*\)"
    r"|\b(?:current_(?:timestamp|date|time)|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
_MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(?:work|root|tmp)/[\w.]")
_REGISTRY = re.compile(r"\b(?:(?:pypi|pythonhosted|npmjs|proxy\.golang)\.(?:org|com)|crates\.io)")
_NUMBER = re.compile(r"(?:(?<![0-9A-Fa-f])|(?<=(?<![0-9A-Fa-f])86))1[3-9]\d{9}(?![0-9A-Fa-f])")
_NOBODYS_NUMBER = "13800138"
"""The prefix of the operator's own service numbers: what an example may show."""
_IGNORE = re.compile(r"type: ignore(?P<code>\[[\w,-]+\])?(?P<reason> +# \S.*)?")
_NOQA = re.compile(r"noqa(?P<code>: [A-Z]+\d+(?:, [A-Z]+\d+)*)?(?P<reason> +[-#] ?\S.*)?", re.IGNORECASE)


def _full_names(module: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for."""
    names = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return names


def _clock_readings(module: ast.Module) -> Iterator[tuple[int, str]]:
    imported = _full_names(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name) and (name := dotted(node)):
            first, _, rest = name.partition(".")
            full = ".".join(filter(None, (imported.get(first, first), rest)))
            if full in _TELLS_THE_TIME:
                yield node.lineno, full


def test_only_the_clock_and_telemetry_read_the_machines_time() -> None:
    allowed = ("shared/clock.py", "shared/observability/")
    found = [
        f"{place(path, line)}: {reading}"
        for path in python_files("services", "shared")
        if not place(path).startswith(allowed)
        for line, reading in _clock_readings(parsed(path))
    ]
    assert found == [], "take a shared.clock.Clock as a parameter instead"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.time()",
        "import datetime as dt\ndt.datetime.now()",
        "from datetime import date, datetime\ndatetime.now(UTC)",
        "from datetime import date as day\nkey = day.today",
        "from time import time as seconds\nseconds()",
    ],
)
def test_a_reading_of_the_machines_time_is_seen(code: str) -> None:
    assert len(list(_clock_readings(ast.parse(code)))) == 1


def _sql_clocks(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what asks the database for the time, in text that is no docstring and in SQLAlchemy's `func`."""
    documentation = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield from ((node.lineno, match[0]) for match in _SQL_CLOCK.finditer(node.value))
        elif isinstance(node, ast.Attribute) and dotted(node.value).rpartition(".")[2] == "func":
            yield from ((node.lineno, match[0]) for match in _SQL_CLOCK.finditer(f"{node.attr}()"))


def test_sql_never_asks_the_database_what_time_it_is() -> None:
    found = [
        f"{place(path, line)}: {clock}"
        for path in python_files("services", "shared")
        for line, clock in _sql_clocks(parsed(path))
    ]
    found += [
        f"{place(path, number)}: {match[0]}"
        for path in files(".sql")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (match := _SQL_CLOCK.search(line.partition("--")[0]))
    ]
    assert found == [], "bind the instant of the injected clock as a parameter instead"


@pytest.mark.parametrize(
    "code",
    [
        "text('UPDATE runs SET at = now()')",
        "f'WHERE day = CURRENT_DATE AND id = {id}'",
        "select(sa.func.now())",
        "Column('at', server_default=func.current_timestamp())",
        "execute('SELECT today()')",
    ],
)
def test_sql_that_asks_what_time_it_is_is_seen(code: str) -> None:
    assert len(list(_sql_clocks(ast.parse(code)))) == 1


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        place(path)
        for path in python_files("services", "shared", "tests")
        if path.name != "env.py" and parsed(path).body and not ast.get_docstring(parsed(path))
    ]  # env.py is Alembic's, with Alembic's job
    assert silent == [], "open it with one sentence"


def test_no_name_hides_what_a_thing_does() -> None:
    vague = [
        f"{place(path, node.lineno)}: {node.name}"
        for path in python_files("services", "shared", "tests")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and re.search(r"(?:Manager|Helper|Util)s?$", node.name)
    ]
    vague += [
        place(path) for path in files(".py") if path.stem in {"utils", "util", "helpers", "helper", "common", "misc"}
    ]
    assert vague == [], "name it after the business, or after what it does"


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {place(path): len(path.read_text().splitlines()) for path in files(".py")}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}, "split it: a package of the same name"


def test_no_function_is_longer_than_50_lines() -> None:
    long = [
        f"{place(path, node.lineno)}: {node.name} has {lines} lines"
        for path in files(".py")
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > 50
    ]
    assert long == [], "give its parts names"


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string.lstrip("# ")


def test_every_exemption_names_its_rule_and_its_reason() -> None:
    bare = [
        f"{place(path, line)}: {comment}"
        for path in files(".py")
        for line, comment in _comments(path)
        if (match := _IGNORE.match(comment) or _NOQA.match(comment)) and not (match["code"] and match["reason"])
    ]
    assert bare == [], "write `# noqa: RULE - why` or `# type: ignore[code]  # why`"


@pytest.mark.parametrize("comment", ["type: ignore", "type: ignore[arg-type]", "noqa", "noqa: S101", "noqa - because"])
def test_an_exemption_without_rule_or_reason_is_seen(comment: str) -> None:
    match = _IGNORE.match(comment) or _NOQA.match(comment)
    assert match is not None
    assert not (match["code"] and match["reason"])


def test_only_the_renderer_prints() -> None:
    found = [
        place(path, node.lineno)
        for path in python_files("services", "shared")
        if not place(path).startswith("services/console/render/")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and dotted(node.func) == "print"
    ]
    assert found == [], "log an event, or write to the console's output"


def _lines() -> Iterator[tuple[Path, int, str]]:
    for path in files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # an image or a compiled contract
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line


def test_no_file_names_a_folder_of_one_machine_or_the_host_of_a_registry() -> None:
    found = [
        f"{place(path, number)}: {match[0]}"
        for path, number, line in _lines()
        if (match := _MACHINE_PATH.search(line) or _REGISTRY.search(line)) and path != Path(__file__)
    ]
    assert found == [], "an operator's network has its own folders and its own mirror"


def test_no_subscribers_number_stands_outside_the_tests() -> None:
    found = [
        f"{place(path, number)}: {match}"
        for path, number, line in _lines()
        if not path.is_relative_to(ROOT / "tests")
        for match in _NUMBER.findall(line)
        if not match.startswith(_NOBODYS_NUMBER)
    ]
    assert found == [], f"show {_NOBODYS_NUMBER}000, which is nobody's"


@pytest.mark.parametrize(
    "line",
    # Put together here, so that the rule's own test does not break the rule.
    [
        "cd /{}/x".format("work"),
        "'/{}/.ssh'".format("root"),
        'open("/{}/a")'.format("tmp"),
        "index = {}.org".format("pypi"),
    ],
)
def test_a_machines_folder_or_a_registry_is_seen(line: str) -> None:
    assert _MACHINE_PATH.search(line) or _REGISTRY.search(line)


@pytest.mark.parametrize("line", ["msisdn=13912345678", "'8613912345678'", "+86 13912345678"])
def test_a_subscribers_number_is_seen(line: str) -> None:
    assert _NUMBER.findall(line) == ["13912345678"]


def _calls(function: ast.AST) -> set[str]:
    return {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }


def _asserts(function: ast.AST, asserting: set[str]) -> bool:
    called = _calls(function)
    return (
        any(isinstance(node, ast.Assert) for node in ast.walk(function))
        or bool(called & asserting)
        or any(name.startswith("assert_") for name in called)  # as numpy.testing names them
    )


def _asserting_functions() -> set[str]:
    """Return the names of test code's own functions that assert, by themselves or by what they call."""
    known = {"raises", "warns", "run_state_machine_as_test", "eventually"}  # `eventually` fails when it never is
    ours = {node.name: node for path in python_files("tests") for node in functions(path)}
    while more := {name for name, node in ours.items() if name not in known and _asserts(node, known)}:
        known |= more
    return known


def test_every_test_asserts_something() -> None:
    asserting = _asserting_functions()
    idle = [
        f"{place(path, node.lineno)}: {node.name}"
        for path in python_files("tests")
        for node in functions(path)
        if node.name.startswith("test_") and not _asserts(node, asserting)
    ]
    assert idle == [], "a test that cannot fail proves nothing"
