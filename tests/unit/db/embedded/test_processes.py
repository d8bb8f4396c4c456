"""A process is known by what it is, never by its number alone."""

import os
import subprocess
from pathlib import Path

from shared.db.embedded.processes import is_alive, is_postmaster_of, processes_of, wait_gone


def test_a_running_process_is_alive_and_a_finished_one_is_not() -> None:
    child = subprocess.Popen(("sleep", "60"))
    assert is_alive(child.pid)
    assert not wait_gone(child.pid, 0.05)

    child.kill()

    # Not waited for yet: it is a zombie, which has no claim on anything any more.
    assert wait_gone(child.pid, 5)
    child.wait()
    assert not is_alive(child.pid)


def test_another_program_with_the_same_arguments_is_no_postmaster(tmp_path: Path) -> None:
    impostor = subprocess.Popen(("/bin/sh", "-c", "sleep 60; :", "-D", str(tmp_path)), start_new_session=True)
    try:
        assert not is_postmaster_of(tmp_path, impostor.pid)
        assert not is_postmaster_of(tmp_path, os.getpid())
        assert processes_of(tmp_path, "visavis-nothing") == []
    finally:
        os.killpg(impostor.pid, 9)
        impostor.wait()
