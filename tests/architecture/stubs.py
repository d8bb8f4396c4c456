"""Generates shared/gen from protos/, or proves that what is committed is what they generate.

`python -m tests.architecture.stubs --write` rewrites it; `--check` exits 1 and lists the files that differ.
"""

import argparse
import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
GENERATED = ROOT / "shared" / "gen"


def generate(target: Path) -> None:
    """Write all stubs below `target`; a message-only file gets no service stubs."""
    sources = sorted(PROTOS.rglob("*.proto"))
    include = Path(protoc.__file__).parent / "_proto"
    outputs = [f"--{kind}_out={target}" for kind in ("python", "grpc_python")]
    outputs += [f"--{kind}_out=quiet:{target}" for kind in ("mypy", "mypy_grpc")]
    with_tools = [
        f"--plugin={Path(sys.executable).parent / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")
    ]
    code = protoc.main(["protoc", f"-I{PROTOS}", f"-I{include}", *with_tools, *outputs, *map(str, sources)])
    if code != 0:
        sys.exit(code)
    for source in sources:
        if "\nservice " not in source.read_text():
            stem = target / source.relative_to(PROTOS).with_suffix("")
            for suffix in ("_pb2_grpc.py", "_pb2_grpc.pyi"):
                stem.with_name(stem.name + suffix).unlink(missing_ok=True)
    for folder in [target / "visavis", *(p for p in (target / "visavis").rglob("*") if p.is_dir())]:
        (folder / "__init__.py").touch()


def differences(left: Path, right: Path) -> list[str]:
    """Return the paths, relative to both trees, that are missing in one or not equal."""
    names = {p.relative_to(tree) for tree in (left, right) for p in tree.rglob("*.py*") if p.suffix in {".py", ".pyi"}}
    return sorted(
        str(name)
        for name in names
        if not ((left / name).is_file() and (right / name).is_file() and filecmp.cmp(left / name, right / name, False))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite shared/gen")
    parser.add_argument("--check", action="store_true", help="fail where shared/gen is stale")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        generate(fresh)
        if arguments.write:
            shutil.rmtree(GENERATED / "visavis", ignore_errors=True)
            shutil.copytree(fresh / "visavis", GENERATED / "visavis")
        if arguments.check and (stale := differences(fresh, GENERATED)):
            sys.exit("stale stubs, run `make protos`:\n  " + "\n  ".join(stale))


if __name__ == "__main__":
    main()
