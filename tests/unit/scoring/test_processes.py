"""What a process loads: the server answers without the libraries of the worker."""

import subprocess
import sys

HEAVY = ("xgboost", "sklearn", "scipy", "duckdb")


def test_the_server_does_not_load_what_only_the_worker_needs() -> None:
    script = f"import sys, services.scoring.__main__; print([name for name in {HEAVY} if name in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
