"""Settings of the database and the secret behind the passwords."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from shared.db.roles import role_password, service_url
from shared.db.settings import DatabaseSettings, admin_url, database_url, role_secret
from shared.errors import InvalidInput, Unavailable

SERVER = "postgresql://admin:pass@db.example:6543/main?ssl=require"


def test_a_configured_server_is_used_with_the_services_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATABASE_URL", SERVER)
    monkeypatch.setenv("VISAVIS_DATABASE_ROLE_SECRET", "s")
    settings = DatabaseSettings()
    url = make_url(database_url(settings, "profile"))
    assert (url.username, url.password) == ("visavis_profile", role_password("profile", "s"))
    assert (url.host, url.port, url.database, url.query) == ("db.example", 6543, "main", {"ssl": "require"})
    assert admin_url(settings) == SERVER


def test_no_secret_shows_in_a_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATABASE_URL", SERVER)
    monkeypatch.setenv("VISAVIS_DATABASE_ROLE_SECRET", "hush")
    shown = repr(DatabaseSettings())
    assert "pass" not in shown
    assert "hush" not in shown


def test_without_a_server_the_embedded_one_must_run(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="not running"):
        database_url(DatabaseSettings(home=tmp_path), "profile")


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATABASE_ROLE_SECRET", "")
    assert DatabaseSettings().database_role_secret is None


def test_a_misspelled_variable_is_refused_with_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATABASE_ULR", SERVER)
    with pytest.raises(InvalidInput, match=r"VISAVIS_DATABASE_ULR.*VISAVIS_DATABASE_URL"):
        DatabaseSettings()


def test_variables_of_other_processes_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_SOMETHING_ELSE", "1")
    assert DatabaseSettings().database_url is None


class ToySettings(DatabaseSettings):
    owned_prefixes = ("VISAVIS_TOY_",)
    toy_port: int = 1


def test_a_subclass_reads_its_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_TOY_PORT", "2")
    assert ToySettings().toy_port == 2


@pytest.mark.parametrize("name", ["VISAVIS_TOY_PROT", "VISAVIS_DATABASE_ULR"])
def test_a_subclass_also_watches_the_prefixes_of_its_base(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(InvalidInput, match=name):
        ToySettings()


def test_the_secret_is_made_once_whoever_comes_first(tmp_path: Path) -> None:
    settings = DatabaseSettings(home=tmp_path / "home")
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(lambda _: role_secret(settings), range(32)))
    assert len(secrets) == 1
    assert len(secrets.pop()) >= 32
    files = list((tmp_path / "home").iterdir())
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_each_service_has_a_password_of_its_own() -> None:
    assert role_password("profile", "s") != role_password("dispatch", "s") != role_password("dispatch", "t")


@pytest.mark.parametrize("name", ["", "Profile", "a-b", 'a"b', "1a", "a" * 42, "a\n"])
def test_a_service_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        service_url(SERVER, name, "s")
