"""The folder of a demonstration: emptied each time, and never made of a folder that holds somebody's work."""

import shutil
from pathlib import Path

from services.console.supervisor.ownership import LOCK
from shared.db.embedded import EmbeddedPostgres
from shared.errors import WrongState

_MARK = "made-by-demo"


def renew(home: Path) -> None:
    """Empty a home that an earlier demonstration left, or take a new one; the caller holds it (`sole_owner`).

    Raises WrongState for any other folder with content, and for content that cannot be removed.
    """
    content = [path for path in home.iterdir() if path.name != LOCK]
    if content and not (home / _MARK).is_file():
        raise WrongState(
            f"{home} holds an installation that no demonstration made; set VISAVIS_HOME to another folder for the demo",
            subject=str(home),
        )
    if (home / "postgres").is_dir():
        EmbeddedPostgres(home / "postgres").stop()  # a killed demonstration may have left its server running
    (home / _MARK).touch()
    for path in content:
        if path.name != _MARK:  # last to stay: an emptying that is cut short can be repeated
            _remove(path)


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WrongState(
            f"{error.filename or path} of an earlier demonstration cannot be removed ({error.strerror}): remove it, "
            "or set VISAVIS_HOME to another folder",
            subject=str(path),
        ) from error
