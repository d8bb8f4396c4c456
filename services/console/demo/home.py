"""The folder of a demonstration: made anew each time, and never made of a folder that holds somebody's work."""

import shutil
from pathlib import Path

from shared.db.embedded import EmbeddedPostgres
from shared.errors import WrongState

_MARK = "made-by-demo"


def renew(home: Path) -> None:
    """Empty a home that an earlier demonstration left, or make a new one. Raises WrongState for any other folder with content."""
    if home.exists() and any(home.iterdir()) and not (home / _MARK).is_file():
        raise WrongState(
            f"{home} holds an installation that no demonstration made; set VISAVIS_HOME to another folder for the demo",
            subject=str(home),
        )
    if (home / "postgres").is_dir():
        EmbeddedPostgres(home / "postgres").stop()  # a killed demonstration may have left its server running
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / _MARK).touch()
