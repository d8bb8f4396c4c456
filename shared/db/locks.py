"""Advisory locks: on names instead of rows, for a transaction or for as long as a connection lives; and word of what came to do."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import asyncpg
from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.transactions import WriteTransaction, driver_of

_LOCK_ALL = text("SELECT count(pg_advisory_xact_lock(key)) FROM unnest(:keys) AS key").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)

_NOTIFY = text("SELECT pg_notify(:namespace, '')")


async def advisory_lock(tx: WriteTransaction, namespace: str, keys: Sequence[str]) -> None:
    """Wait for the exclusive locks on `keys` of `namespace`; they are held until the transaction ends.

    All callers take their locks in one order, so that no two wait for each other; lock all keys by one call. What the
    locks protect must be read by a later statement: under READ COMMITTED this one's snapshot is older than the wait.
    """
    ordered = sorted({lock_key(namespace, key) for key in keys})
    await tx.connection.execute(_LOCK_ALL, {"keys": ordered})


async def notify(tx: WriteTransaction, namespace: str) -> None:
    """Wake the sessions that listen to this name, once `tx` has committed; who is not connected hears nothing."""
    await tx.connection.execute(_NOTIFY, {"namespace": namespace})


def lock_key(namespace: str, key: str) -> int:
    """Return the 64-bit signed lock number of a name."""
    digest = blake2b(f"{namespace}\0{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@dataclass(frozen=True, slots=True)
class LockSession:
    """A connection that holds session-level locks; PostgreSQL frees them the moment the connection or its process dies.

    `lost` is set when the connection is gone, and with it every lock: who worked under one must stop. `heard` is set when
    something was said by `notify` to a name that this session listens to.
    """

    _driver: asyncpg.Connection
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def on(cls, connection: AsyncConnection) -> Self:
        """Use `connection`, which nothing else may use any more."""
        driver = await driver_of(connection)
        session = cls(driver)
        driver.add_termination_listener(lambda _: session.lost.set())
        return session

    async def try_lock(self, namespace: str, key: str) -> bool:
        """Take the lock if no other session has it; tell whether it is ours now."""
        return bool(await self._driver.fetchval("SELECT pg_try_advisory_lock($1)", lock_key(namespace, key)))

    async def listen(self, namespace: str, tell: Callable[[], None] | None = None) -> None:
        """Hear from now on of what `notify` says to this name: by a call of `tell` from the event loop, else by `heard`."""
        said = tell or self.heard.set
        await self._driver.add_listener(namespace, lambda *_: said())

    async def unlock(self, namespace: str, key: str) -> None:
        """Give one lock back."""
        await self._driver.execute("SELECT pg_advisory_unlock($1)", lock_key(namespace, key))
