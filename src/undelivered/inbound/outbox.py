"""The door's way to PostgreSQL: few connections of its own, made again when they break, never waited for too long.

What takes too long is left to itself, not cancelled: a cancelled statement has to be waited for, and a server that
hangs does not answer that either. Whether it was committed after all is no question: storing again changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from undelivered.database.errors import EmbeddedError
from undelivered.delivery import relayed
from undelivered.delivery.relayed import Relayed
from undelivered.inbound import access, arrivals
from undelivered.inbound.access import Access
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.spool import Item

_log = logging.getLogger(__name__)
T = TypeVar("T")
#: The kernel gives a dead server up after ten seconds instead of a quarter of an hour.
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3, "tcp_user_timeout": 10_000}
#: Statements that hang, each with its connection; no more is asked of such a server until one of them ends.
MOST_LEFT = 4


class Away(Exception):
    """PostgreSQL does not answer in time, or not at all. The text says how."""


class Unfit(Exception):
    """PostgreSQL answers, and refuses what it was given."""


class Outbox:
    """One connection, for one piece of work at a time. `url` is asked for at every connection: the embedded server may
    come later than the door."""

    def __init__(self, url: Callable[[], str], zone: ZoneInfo) -> None:
        self._url, self._zone = url, zone
        self._connection: AsyncConnection[Any] | None = None
        self._left: dict[asyncio.Future[Any], AsyncConnection[Any] | None] = {}

    async def store(self, mails: Sequence[Item], within: float) -> None:
        """All of them, or none. Raises `Away` (perhaps they are stored all the same) or `Unfit` (they are not)."""
        await self._do(lambda connection: self._store(connection, mails), within)

    async def _store(self, connection: AsyncConnection[Any], mails: Sequence[Item]) -> None:
        leaving = [one for one in mails if isinstance(one, Relayed)]
        returned = [one for one in mails if isinstance(one, NewArrival)]
        if not returned:  # one statement is a transaction
            await relayed.store(connection, leaving, self._zone)
        elif not leaving:
            await arrivals.store(connection, returned)
        else:
            async with connection.transaction():
                await arrivals.store(connection, returned)
                await relayed.store(connection, leaving, self._zone)

    async def access(self, within: float) -> Access:
        return await self._do(access.load, within)

    async def note_used(self, credentials: Sequence[int], within: float) -> None:
        await self._do(lambda connection: access.note_used(connection, credentials), within)

    async def wake(self, channel: str, within: float) -> None:
        """Tells those who listen, after the commit. A call that is not heard costs a slow poll."""
        await self._do(lambda connection: connection.execute(SQL("NOTIFY {}").format(Identifier(channel))), within)

    async def close(self) -> None:
        """Ends within a second, whatever hangs: cancelled twice, psycopg no longer waits for the server. What hangs all
        the same loses its connection."""
        for _ in range(2):
            for task in self._left:
                task.cancel()
            if self._left:
                await asyncio.wait(self._left, timeout=0.2)
        for connection in self._left.values():
            _finish(connection)
        await self._drop()

    async def _do(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]], within: float) -> T:
        if len(self._left) >= MOST_LEFT:
            raise Away("it hangs")
        task = asyncio.ensure_future(self._connected(work))
        try:
            done, _ = await asyncio.wait({task}, timeout=within)
        except asyncio.CancelledError:
            self._leave(task)
            raise
        if not done:
            self._leave(task)
            raise Away(f"no answer within {within:.1f} seconds")
        try:
            return task.result()
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
            raise Unfit(_short(error)) from error
        except (psycopg.Error, EmbeddedError, OSError, TimeoutError) as error:
            await self._drop()
            raise Away(_short(error)) from error

    async def _connected(self, work: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(
                psycopg.conninfo.make_conninfo(self._url(), **ALIVE), autocommit=True, connect_timeout=5
            )
        return await work(self._connection)

    def _leave(self, task: asyncio.Task[Any]) -> None:
        """The task keeps its connection until it ends; the next piece of work gets a new one."""
        connection, self._connection = self._connection, None
        self._left[task] = connection

        def ended(task: asyncio.Task[Any]) -> None:
            self._left.pop(task, None)
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.debug("left to itself, it ended: %s", _short(error))
            _finish(connection)

        task.add_done_callback(ended)

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, TimeoutError, OSError):
                async with asyncio.timeout(1.0):
                    await connection.close()


def _finish(connection: AsyncConnection[Any] | None) -> None:
    """Closes it without waiting for anything."""
    if connection is not None:
        connection.pgconn.finish()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
