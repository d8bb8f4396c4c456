"""The files of this repository, as the rules about them read them."""

import ast
import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("profile", "scoring", "recommendation", "dispatch", "feedback")
GENERATED = ("shared/gen/",)


@functools.cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Return what git tracks or would track, without generated stubs; of all suffixes, or of those named."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(
        ROOT / name
        for name in sorted(filter(None, names))
        if not name.startswith(GENERATED) and (not suffixes or name.endswith(suffixes)) and (ROOT / name).is_file()
    )


def python_files(*folders: str) -> tuple[Path, ...]:
    """Return the hand-written modules below `folders`, named from the root."""
    return tuple(path for path in files(".py") if place(path).startswith(tuple(f"{folder}/" for folder in folders)))


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def place(path: Path, line: int | None = None) -> str:
    """Return `path` from the root, and the line: what an editor jumps to."""
    name = str(path.relative_to(ROOT))
    return name if line is None else f"{name}:{line}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a module, nested ones too."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.expr) -> str:
    """Return `a.b.c` for such an expression, else ""."""
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return node.id if isinstance(node, ast.Name) else ""
