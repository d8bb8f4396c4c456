"""`python -m tests.conformance.dmn_tck DIR`: runs every suite below DIR that is laid out as in the DMN TCK.

Prints a line for each expectation that fails or is skipped, the number of those skipped, and last `N passed, M failed`. Ends with 1
where one failed or none was found.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import duckdb

from services.recommendation.engine.dmn import read_definitions
from shared.errors import InvalidInput
from tests.conformance.dmn_tck.columnar import Columnar
from tests.conformance.dmn_tck.models import Model, SkippedError
from tests.conformance.dmn_tck.suites import Case, Expected, Suite, read_suite, suite_files
from tests.conformance.dmn_tck.tables import FailedError, Outcome
from tests.conformance.dmn_tck.trees import UnreadableError, equal, show


class Verdict(StrEnum):
    """What became of an expectation."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Line(NamedTuple):
    """What became of an expectation, or of a whole test file."""

    what: str
    verdict: Verdict
    why: str = ""


def run(folder: Path) -> Iterator[Line]:
    """Yield what becomes of each expectation below the folder."""
    with duckdb.connect() as connection:
        columnar = Columnar(connection)
        for path in suite_files(folder):
            yield from _run_file(path, str(path.relative_to(folder)), columnar)


def _run_file(path: Path, name: str, columnar: Columnar) -> Iterator[Line]:
    try:
        suite = read_suite(path, name=name)
        definitions = read_definitions(suite.model.read_bytes(), where=suite.model.name)
    except InvalidInput as error:
        yield Line(name, Verdict.FAILED, str(error))
    except OSError as error:
        yield Line(name, Verdict.FAILED, f"{Path(error.filename).name}: {error.strerror}")
    else:
        yield from _run_suite(suite, Model(definitions, columnar))


def _run_suite(suite: Suite, model: Model) -> Iterator[Line]:
    for case in suite.cases:
        for expected in case.expected:
            verdict, why = _judge(case, expected, model)
            yield Line(f"{suite.name} {case.id} {expected.name}", verdict, why)


def _judge(case: Case, expected: Expected, model: Model) -> tuple[Verdict, str]:
    for kind in (case.kind, expected.kind):
        if kind != "decision":
            return Verdict.SKIPPED, f"it is about a {kind}"
    try:
        outcome = model.outcome(expected.name, case.inputs)
    except SkippedError as error:
        return Verdict.SKIPPED, str(error)
    except (FailedError, UnreadableError) as error:
        return Verdict.FAILED, f"expected {show(expected.value)}: {error}"
    if equal(expected.value, outcome.value):
        return Verdict.PASSED, ""
    return (
        Verdict.FAILED,
        f"expected {show(expected.value)}, found {show(outcome.value)}{_null_rule(expected, outcome)}",
    )


def _null_rule(expected: Expected, outcome: Outcome) -> str:
    """Return a remark where only our null rule is in the way."""
    if outcome.differs and equal(expected.value, outcome.by_feels_null):
        return ' (our null rule: null matches only "-" and "null"; by FEEL\'s, where null passes not( … ), it would be as expected)'
    return ""


def main(arguments: list[str]) -> int:
    """Run the suites of one folder and return the exit code."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("usage: python -m tests.conformance.dmn_tck DIR", file=sys.stderr)
        return 2
    counts: Counter[Verdict] = Counter()
    for line in run(Path(arguments[0])):
        counts[line.verdict] += 1
        if line.verdict is not Verdict.PASSED:
            print(f"{line.verdict}: {line.what}: {line.why}")
    if counts[Verdict.SKIPPED]:
        print(f"{counts[Verdict.SKIPPED]} skipped")
    print(f"{counts[Verdict.PASSED]} passed, {counts[Verdict.FAILED]} failed")
    return 1 if counts[Verdict.FAILED] or not counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
