"""Writes .env.example from the settings classes, so that each variable is documented once, where it is declared.

`python -m tests.architecture.environment --write` rewrites it; the test beside this module fails where it is stale.
"""

import argparse
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.clock import OFFSET_VARIABLE
from shared.rpc.settings import ServerSettings
from shared.settings import EnvironmentSettings, VisavisSettings
from tests.architecture.tree import ROOT, SERVICES

EXAMPLE = ROOT / ".env.example"
COMPOSE_ONLY = {"VISAVIS_POSTGRES_PASSWORD": "Password of the database's administrator."}
"""Read by docker-compose.yml itself, not by a process of ours."""
_TO_BE_SET = "VISAVIS_DATABASE_ROLE_SECRET"
_HEAD = """\
# Read by docker compose from a file named .env, and by every process from its environment.
# A line that is commented out shows the default; empty means absent.
# Written by `make env` from the settings classes.
"""


def settings_modules() -> list[ModuleType]:
    """Import every module that declares settings: those of all processes first, then the services' in their order."""
    shared = sorted((ROOT / "shared").rglob("settings.py"), key=lambda path: (len(path.parts), path))
    packages = (*SERVICES, "console", "sandbox")
    own = [path for name in packages if (path := ROOT / "services" / name / "settings.py").is_file()]
    return [importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in (*shared, *own)]


def settings_classes(module: ModuleType) -> Iterator[type[EnvironmentSettings]]:
    """Yield the classes declared in `module` that processes read, without the bases that have no variables of their own."""
    for value in vars(module).values():
        if not isinstance(value, type) or not issubclass(value, EnvironmentSettings):
            continue
        if value.__module__ == module.__name__ and value not in {EnvironmentSettings, ServerSettings}:
            yield value


def declared() -> Iterator[tuple[ModuleType, str, FieldInfo]]:
    """Yield each variable with its field as often as it is declared; `VISAVIS_HOME` only where it stems from."""
    for module in settings_modules():
        for settings in settings_classes(module):
            inherited = VisavisSettings.model_fields if settings is not VisavisSettings else {}
            for name, field in settings.model_fields.items():
                if name not in inherited:
                    yield module, settings.variable(name), field


def default_of(field: FieldInfo) -> str:
    """Return the text that sets a field to its default; empty for one that is absent."""
    default = field.get_default(call_default_factory=False)
    if default is None:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if (
        isinstance(default, Path) and default.is_absolute()
    ):  # a file of ours: named as from the root, where it is in the image, too
        return str(default.relative_to(ROOT))
    return str(default).lower() if isinstance(default, bool) else str(default)


def example() -> str:
    """Return what .env.example has to say."""
    fields = list(declared())
    role_secret = next(field for _, name, field in fields if name == _TO_BE_SET)
    blocks = [_HEAD, "# --- docker compose asks for these ---"]
    blocks += [f"# {text}\n{name}=" for name, text in COMPOSE_ONLY.items()]
    blocks += [f"# {role_secret.description}\n{_TO_BE_SET}="]
    seen, section = {_TO_BE_SET}, None
    for module, name, field in fields:
        if name in seen:
            continue
        if module is not section:
            section = module
            blocks.append(f"\n# --- {_title(module)} ---")
        blocks.append(f"# {field.description}\n#{name}={default_of(field)}")
        seen.add(name)
    blocks.append(
        "\n# --- Demonstrations ---\n"
        "# Seconds by which the business's clock runs ahead of the machine's, the same for all processes.\n"
        f"#{OFFSET_VARIABLE}=0"
    )
    return "\n".join(blocks) + "\n"


def _title(module: ModuleType) -> str:
    if module.__name__ == VisavisSettings.__module__:
        return "Every process"
    return (module.__doc__ or module.__name__).partition("\n")[0].rstrip(".")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="rewrite .env.example instead of showing it")
    if parser.parse_args().write:
        EXAMPLE.write_text(example())
    else:
        sys.stdout.write(example())


if __name__ == "__main__":
    main()
