"""docker-compose.yml and the Dockerfile name the commands, ports, folders and variables that the code has.

No container engine runs where these tests do, so compose's own checks (`docker compose config`) are not made: the file is
read as YAML with its anchors and merges resolved, and what it says is compared with the code.
"""

import importlib.util
import re
import tomllib
from collections.abc import Mapping
from typing import Any, cast

import pytest
import typer
import yaml

from services.console import __main__ as console
from services.console.settings import PORTS, ConsoleSettings
from services.console.supervisor import processes
from services.dispatch.settings import MailSettings
from shared.rpc.settings import ServerSettings
from tests.architecture.environment import EXAMPLE, settings_classes, settings_modules
from tests.architecture.tree import ROOT, SERVICES

_OURS = "visavis:local"
_INTERPOLATION = re.compile(r"\$\{(\w+)")


def compose() -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


def containers() -> Mapping[str, Mapping[str, Any]]:
    return cast("Mapping[str, Mapping[str, Any]]", compose()["services"])


def specs() -> dict[str, processes.ProcessSpec]:
    return {spec.name: spec for spec in processes.services(ConsoleSettings())}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_containers_of_our_image_are_the_processes_that_the_supervisor_starts() -> None:
    ours = {name for name, container in containers().items() if container["image"] == _OURS}
    assert ours == {*specs(), "migrate"}


@pytest.mark.parametrize("name", sorted(specs()))
def test_a_container_runs_the_command_of_its_process(name: str) -> None:
    assert containers()[name]["command"] == ["python", *specs()[name].arguments]


def test_the_migration_is_a_command_of_the_console_and_comes_first() -> None:
    command = containers()["migrate"]["command"]
    commands = typer.main.get_command(console.app)
    assert command[0] in project()["project"]["scripts"]
    assert command[1] in commands.list_commands(None)  # type: ignore[attr-defined]  # a group, by its commands
    for name in specs():
        assert containers()[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_listens_is_published_and_is_probed_at_its_one_port(service: str) -> None:
    container, port = containers()[service], PORTS[service]  # type: ignore[index]  # the five names are the keys
    assert container["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert container["environment"][f"VISAVIS_{service.upper()}_HOST"] == "0.0.0.0"  # noqa: S104 - in its container
    assert container["healthcheck"]["test"] == ["CMD", "python", "-m", "shared.rpc.probe", f"127.0.0.1:{port}"]
    assert importlib.util.find_spec("shared.rpc.probe") is not None


def test_what_comes_back_of_mail_reaches_the_worker_from_this_machine() -> None:
    worker, mail = containers()["dispatch-worker"], MailSettings()
    for door, port in {"RETURNS": mail.dispatch_mail_returns_port, "PAGES": mail.dispatch_mail_pages_port}.items():
        assert worker["environment"][f"VISAVIS_DISPATCH_MAIL_{door}_HOST"] == "0.0.0.0"  # noqa: S104 - in its container
        assert f"127.0.0.1:{port}:{port}" in worker["ports"]


def test_every_server_listens_by_default_at_the_port_where_the_console_looks() -> None:
    defaults = {
        settings.variable("").removeprefix("VISAVIS_").rstrip("_").lower(): settings.model_fields["port"].default
        for module in settings_modules()
        for settings in settings_classes(module)
        if issubclass(settings, ServerSettings)
    }
    assert defaults == PORTS
    for service, port in PORTS.items():
        assert ConsoleSettings().address(service) == f"127.0.0.1:{port}"


@pytest.mark.parametrize("name", sorted(specs()))
def test_every_process_is_told_where_the_servers_are(name: str) -> None:
    environment = containers()[name]["environment"]
    assert {service: environment[f"VISAVIS_{service.upper()}_ADDRESS"] for service in PORTS} == {
        service: f"{service}:{port}" for service, port in PORTS.items()
    }


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for container in containers().values() for port in container.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_image_is_pinned_and_every_volume_declared() -> None:
    volumes = [volume for container in containers().values() for volume in container.get("volumes", [])]
    for source in {volume.split(":")[0] for volume in volumes}:
        assert (ROOT / source).is_file() if source.startswith("./") else source in compose()["volumes"]
    images = {container["image"] for container in containers().values()} - {_OURS}
    assert [image for image in images if not re.search(r":\d", image)] == []


def test_every_secret_that_compose_asks_for_is_in_the_example() -> None:
    asked = set(_INTERPOLATION.findall((ROOT / "docker-compose.yml").read_text()))
    assert asked
    assert asked <= {line.removesuffix("=") for line in EXAMPLE.read_text().splitlines()}


def test_what_is_set_in_the_env_file_reaches_every_process_and_nobody_else() -> None:
    assert {name for name, container in containers().items() if container.get("env_file") == ".env"} == {
        *specs(),
        "migrate",
    }
    for ignored in (".gitignore", ".dockerignore"):
        assert ".env" in (ROOT / ignored).read_text().split()


def test_the_collector_is_reached_where_it_listens() -> None:
    collector = yaml.safe_load((ROOT / "deploy/collector/otelcol.yaml").read_text())
    port = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].rpartition(":")[2]
    assert containers()["profile"]["environment"]["VISAVIS_OTLP_ENDPOINT"] == f"http://collector:{port}"


def instructions(word: str) -> list[str]:
    """Return the arguments of each such instruction of the Dockerfile, continued lines joined."""
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def test_the_image_has_a_python_that_the_project_supports() -> None:
    (base,) = instructions("FROM")
    match = re.fullmatch(r"python:(\d+)\.(\d+)(?:\.\d+)?-slim", base)
    assert match is not None
    least = re.fullmatch(r">=(\d+)\.(\d+)", project()["project"]["requires-python"])
    assert least is not None
    assert tuple(map(int, match.groups())) >= tuple(map(int, least.groups()))


def test_the_image_gets_what_exists_and_all_that_is_packaged() -> None:
    copied = [source for line in instructions("COPY") for source in line.split()[:-1]]
    ignored = set((ROOT / ".dockerignore").read_text().split())
    assert [source for source in copied if not (ROOT / source).exists() or source in ignored] == []
    packaged = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert [folder for folder in packaged if folder not in copied] == []


def test_the_image_is_installed_from_the_lock_by_the_makefiles_uv() -> None:
    makefile = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert makefile is not None
    installing = " ".join(instructions("RUN"))
    assert f"uv=={makefile[1]}" in installing
    assert f"uv=={makefile[1]}" in project()["project"]["optional-dependencies"]["dev"]
    assert "--constraint requirements.lock" in installing


def test_the_image_runs_as_a_user_who_owns_its_home() -> None:
    (user,), (home,) = instructions("USER"), instructions("VOLUME")
    assert f"--home-dir {home} --create-home {user}" in " ".join(instructions("RUN"))
    assert f"VISAVIS_HOME={home}" in instructions("ENV")
    assert containers()["profile"]["environment"]["VISAVIS_HOME"] == home
