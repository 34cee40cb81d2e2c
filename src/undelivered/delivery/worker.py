"""The worker: one loop that claims what is due and gives it to its hands; the house around it keeps itself.

Delivery is at least once. A crash can send a mail twice in these windows, and the second copy carries the same
Message-ID: between the provider's answer to the final dot and the commit of `record` (a few milliseconds, or as long as
the database is away); where the connection was lost after the dot, so that nobody knows the answer; and where a worker
is stopped while a provider takes longer than `GRACE_S` to answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool
from pydantic_core import from_json

from undelivered.database import liveness
from undelivered.delivery import breaker, claim, writing
from undelivered.delivery.breaker import Board
from undelivered.delivery.hands import Hands, Rules
from undelivered.delivery.house import House
from undelivered.delivery.outages import OUTAGES, short
from undelivered.delivery.rates import Pace, Taken
from undelivered.delivery.room import Room
from undelivered.delivery.turns import Turns
from undelivered.env import Env

__all__ = ("Rules", "Worker", "work")

POLL_S = 5.0
BATCH = 200
#: So many times as long as a vain look around took, the worker rests before the next one, if it is woken at once.
REST = 4
#: For so long a worker that stops waits for its mails in hand.
GRACE_S = 20.0
_log = logging.getLogger(__name__)


class Worker:
    """`run` until `stop` is called; `run_once` is one turn: one batch, sent and recorded."""

    def __init__(self, url: str, rules: Rules) -> None:
        self.url, self.rules = url, rules
        self.id = 0
        self.board = Board({})
        self.woken = asyncio.Event()
        self.stopping = asyncio.Event()
        #: A turn broke off: rows may be claimed that no hand holds.
        self.unsure = False

    async def start(self) -> None:
        """Registers the worker: from here on it may claim."""
        self.pool, self.claims = _pool(self.url), _claims(self.url)
        try:
            await self.pool.open(wait=True, timeout=30)
            await self.claims.open(wait=True, timeout=30)
            async with self.pool.connection() as connection:
                row = await (await connection.execute(_REGISTER, [socket.gethostname(), os.getpid()])).fetchone()
        except BaseException:
            await self.pool.close()
            await self.claims.close()
            raise
        assert row is not None
        self.id = int(row[0])
        self.pace = Pace(self.id, self.rules.limits)
        self.turns = Turns(self.id, self.rules.keep_days)
        self.hands = Hands(self.pool, self.rules, self.id, self.woken.set)
        self.house = House(
            self.pool, self.url, self.rules.keep_days, self.id, self.woken.set, self.hands.figures, self.hands.tally
        )
        self.hands.start()

    async def close(self, grace_s: float = GRACE_S) -> None:
        """Lets the mails in hand finish, gives back what did not, and signs off."""
        await self.hands.close(grace_s)
        try:
            async with self.pool.connection(timeout=5) as connection:
                await self.hands.tally.spread(connection)
                await claim.give_back(connection, keep_days=self.rules.keep_days, worker=self.id)
                await connection.execute("DELETE FROM delivery_worker WHERE id = %s", [self.id])
        except OUTAGES as error:
            _log.warning("could not sign off: %s; the claims run out by themselves", short(error))
        await self.pool.close()
        await self.claims.close()

    def stop(self) -> None:
        self.stopping.set()
        self.woken.set()

    async def run(self) -> None:
        """Works until `stop`. A database that goes away is waited for; nothing is lost meanwhile."""
        async with _cancelled_at_end(self.house.beat(), self.house.listen(), self.house.keep()):
            while not self.stopping.is_set():
                try:
                    claimed = await self.turn()
                except OUTAGES as error:
                    _log.warning("the database cannot be reached: %s; waiting", short(error))
                    await self._pause(2.0)
                except Exception:
                    _log.exception("a turn of the worker failed; the next one follows")
                    await self._pause(2.0)
                else:
                    if not claimed:
                        await self._sleep()

    async def run_once(self, limit: int = BATCH) -> int:
        """One turn to its end: what is due is claimed, sent and recorded; how many."""
        claimed = await self.turn(limit)
        await self.hands.finish()
        return claimed

    async def turn(self, limit: int = BATCH) -> int:
        """Claims what is due, as much as there are hands free, and begins to send it; how many.

        A slow provider holds its own mails only: the next turn does not wait for this one's.
        """
        while not self.hands.in_hand.free and not self.stopping.is_set():
            await self.hands.wait(1.0)
        unsure, self.unsure = self.unsure, True
        if unsure or self.hands.unsure or self.hands.recorder.unsure:
            await self._give_back()
        claimed = await self._claim(limit)
        if claimed:
            async with self.pool.connection() as connection:
                admitted = await self.pace.admit(connection, claimed, self.hands.claims)
                if admitted:
                    await writing.write(connection, admitted, self.hands)
        self.unsure = False
        return len(claimed)

    async def _claim(self, limit: int) -> list[Taken]:
        """What is due, as much as there is room for, and the providers that take it."""
        now = datetime.now(UTC)
        async with self.claims.connection() as connection:
            board = await breaker.load(connection)
            await self.hands.heed(board, now)
            self.board = self.pace.board(board, now)
            rates = {one.id: n for one in self.board.all if (n := self.pace.allowance(one, now)) is not None}
            room = Room(self.hands.in_hand, rates)
            return await self.turns.claim(connection, min(limit, self.hands.in_hand.free), self.board, room, now)

    async def _give_back(self) -> None:
        """What is claimed by this worker, and in nobody's hands, is QUEUED again."""
        self.hands.unsure = self.hands.recorder.unsure = False
        async with self.pool.connection() as connection:
            held = list(self.hands.claims)
            await claim.give_back(connection, keep_days=self.rules.keep_days, worker=self.id, held=held)

    async def _sleep(self) -> None:
        """Until woken, or for as long as it takes for something to be due that nobody rings for.

        Where many wait for later, to look around in vain costs more than usual: that is not done all the time.
        """
        await self._pause(self.turns.in_vain_s * REST)
        change = self.pace.next_turn(self.board, datetime.now(UTC))
        seconds = POLL_S if change is None else max(0.1, min(POLL_S, (change - datetime.now(UTC)).total_seconds()))
        with suppress(TimeoutError):
            await asyncio.wait_for(self.woken.wait(), seconds)
        self.woken.clear()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


_REGISTER = """
INSERT INTO delivery_worker (host, pid, started_at, seen_at) VALUES (%s, %s, now(), now()) RETURNING id
"""


def _claims(url: str) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """One connection, for claims alone: they are planned once."""

    async def configure(connection: AsyncConnection[Any]) -> None:
        await _configure(connection)
        await connection.execute(claim.PLANNED)

    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=1,
        open=False,
        kwargs={"autocommit": True},
        configure=configure,
        check=liveness.check,
    )


def _pool(url: str) -> AsyncConnectionPool[AsyncConnection[Any]]:
    # Prepared statements are planned with their values each time: else the bounds of ids would not choose partitions.
    options = f"{conninfo_to_dict(url).get('options') or ''} -c plan_cache_mode=force_custom_plan".strip()
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=4,
        open=False,
        kwargs={"autocommit": True, "options": options},
        configure=_configure,
        check=liveness.check,
    )


async def _configure(connection: AsyncConnection[Any]) -> None:
    # Each notification has two JSON values, nearly always empty; the standard library takes longer to read them than
    # psycopg for the rest of the row.
    set_json_loads(from_json, connection)


@asynccontextmanager
async def _cancelled_at_end(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def work(env: Env, url: str, stop_signals: Sequence[int] = ()) -> None:
    """A worker's whole life in a process of its own. SIGINT and SIGTERM end it after the mails in hand."""
    worker = Worker(url, Rules.of(env))
    loop = asyncio.get_running_loop()
    for signal in stop_signals:
        loop.add_signal_handler(signal, worker.stop)
    while not worker.stopping.is_set():
        try:
            await worker.start()
        except OUTAGES as error:
            _log.warning("the database cannot be reached: %s; waiting", short(error))
            await worker._pause(2.0)
            continue
        try:
            await worker.run()
        finally:
            await worker.close()
