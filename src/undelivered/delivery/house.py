"""What a worker does beside sending: it shows that it lives, listens for wake-ups, takes over from the dead, and keeps.

Each loop has a function for one turn: `beat_once`, `keep_once`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from undelivered.database.ids import created_at
from undelivered.delivery import claim, counts, record, retention, wake
from undelivered.delivery.outages import OUTAGES, short
from undelivered.delivery.states import State
from undelivered.delivery.tally import Tally

#: A worker that was not seen for so long has lost its claims.
SEEN_WITHIN = timedelta(seconds=60)
HEARTBEAT_S = 5.0
#: After an outage of the database, the others have so long to show that they live.
PATIENCE_S = 15.0
KEEP_S = 20.0
_log = logging.getLogger(__name__)

# A worker whose row was forgotten while the database was away writes it again.
_BEAT = """
INSERT INTO delivery_worker (id, host, pid, started_at, seen_at, stats)
VALUES (%s, %s, %s, now(), now(), %s)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, stats = excluded.stats
"""
_FORGET = "DELETE FROM delivery_worker WHERE seen_at < now() - %s::interval"


class House:
    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        url: str,
        keep_days: int,
        worker: int,
        wake_up: Callable[[], None],
        figures: Callable[[], dict[str, Any]],
        tally: Tally,
    ) -> None:
        self.pool, self.url, self.keep_days, self.worker, self.wake_up = pool, url, keep_days, worker, wake_up
        self.figures, self.tally = figures, tally
        self._beaten = self._beating_since = time.monotonic()

    async def beat(self) -> None:
        """Says that the worker lives: its claims are its own as long as it does."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await _quietly(self.beat_once)

    async def beat_once(self) -> None:
        async with self.pool.connection() as connection:
            about = [self.worker, socket.gethostname(), os.getpid(), Jsonb(self.figures())]
            await connection.execute(_BEAT, about)
            await self.tally.spread(connection)
        now = time.monotonic()
        if now - self._beaten > 2 * PATIENCE_S:
            self._beating_since = now
        self._beaten = now

    async def keep(self) -> None:
        while True:
            await _quietly(self.keep_once)
            await asyncio.sleep(KEEP_S)

    async def keep_once(self) -> None:
        """Takes over from dead workers, releases held mail, folds counts, makes and drops partitions."""
        returned = 0
        async with self.pool.connection() as connection:
            if self.may_judge():
                returned = await claim.give_back(connection, keep_days=self.keep_days, seen_within=SEEN_WITHIN)
            async with connection.transaction():
                freed = await claim.release_held(connection, keep_days=self.keep_days)
                await record.add_counts(connection, list(_released(freed)))
            await connection.execute(_FORGET, [10 * SEEN_WITHIN])
        if returned or freed:
            self.wake_up()
        await asyncio.to_thread(retention.keep_house, self.url, self.keep_days)

    def may_judge(self) -> bool:
        """After an outage of the database everybody looks dead: the others get the time to show that they live."""
        now = time.monotonic()
        return now - self._beaten <= 2 * PATIENCE_S and now - self._beating_since >= PATIENCE_S

    async def listen(self) -> None:
        """Hears the NOTIFY of those who enqueue; a poll every few seconds is the safety net."""
        while True:
            try:
                async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {wake.CHANNEL}")
                    self.wake_up()  # for what was rung before somebody listened
                    async for _ in connection.notifies():
                        self.wake_up()
            except (psycopg.Error, OSError) as error:
                _log.debug("not listening: %s", short(error))
            await asyncio.sleep(2.0)


def _released(freed: Sequence[tuple[UUID, int, str]]) -> Iterator[counts.Change]:
    for id, project, kind in freed:
        yield project, created_at(id), kind, State.HELD.value, "", -1
        yield project, created_at(id), kind, State.QUEUED.value, "", 1


async def _quietly(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except OUTAGES as error:
        _log.warning("%s: %s", getattr(work, "__name__", "work"), short(error))
    except Exception:
        _log.exception("%s failed; it is tried again", getattr(work, "__name__", "work"))
