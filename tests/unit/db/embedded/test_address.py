"""An address is a URL that any driver reads, and no log shows its password."""

from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from shared.db.embedded import ServerAddress


@given(user=st.text(min_size=1), password=st.text(min_size=1), database=st.text(min_size=1))
def test_every_part_survives_the_url(user: str, password: str, database: str) -> None:
    parts = urlsplit(ServerAddress("127.0.0.1", 25432, user, password).url(database))

    assert (parts.hostname, parts.port) == ("127.0.0.1", 25432)
    assert unquote(parts.username or "") == user
    assert unquote(parts.password or "") == password
    assert unquote(parts.path.removeprefix("/")) == database


def test_the_password_is_not_in_the_repr() -> None:
    assert "s3cret" not in repr(ServerAddress("127.0.0.1", 25432, "postgres", "s3cret"))
