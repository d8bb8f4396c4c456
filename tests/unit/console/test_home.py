"""A demonstration empties what a demonstration made, and nothing else."""

from pathlib import Path

import pytest

from services.console.demo.home import renew
from services.console.supervisor.ownership import LOCK
from shared.errors import WrongState


def test_a_new_home_may_hold_the_lock_only(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    renew(tmp_path)
    assert (tmp_path / LOCK).exists()


def test_a_home_that_no_demonstration_made_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with pytest.raises(WrongState, match="no demonstration made"):
        renew(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_what_an_earlier_demonstration_left_is_removed_but_the_lock(tmp_path: Path) -> None:
    renew(tmp_path)
    for name in ("lake/a/b", "logs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "report").write_text("old")
    (tmp_path / "elsewhere").symlink_to(tmp_path.parent)
    (tmp_path / LOCK).touch()
    renew(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"made-by-demo", LOCK}
    assert tmp_path.parent.exists()


def test_an_emptying_that_was_cut_short_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renew(tmp_path)
    (tmp_path / "lake").mkdir()
    (tmp_path / "logs").mkdir()

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied", "lake/x")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        with pytest.raises(WrongState, match="lake/x of an earlier demonstration cannot be removed"):
            renew(tmp_path)
    renew(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"made-by-demo"}
