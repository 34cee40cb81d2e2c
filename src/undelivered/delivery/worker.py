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
from psycopg_pool import AsyncConnectionPool

from undelivered.delivery import breaker, claim, send
from undelivered.delivery.breaker import Board
from undelivered.delivery.claim import Claimed
from undelivered.delivery.hands import OUTAGES, Hands, Rules, short
from undelivered.delivery.house import SEEN_WITHIN, House
from undelivered.delivery.rates import Pace
from undelivered.env import Env

__all__ = ("SEEN_WITHIN", "Rules", "Worker", "work")

POLL_S = 5.0
BATCH = 200
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
        self.pool = _pool(self.url)
        try:
            await self.pool.open(wait=True, timeout=30)
            async with self.pool.connection() as connection:
                row = await (await connection.execute(_REGISTER, [socket.gethostname(), os.getpid()])).fetchone()
        except BaseException:
            await self.pool.close()
            raise
        assert row is not None
        self.id = int(row[0])
        self.pace = Pace(self.id, self.rules.limits)
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
        while not self.hands.free and not self.stopping.is_set():
            await self.hands.wait(1.0)
        unsure, self.unsure = self.unsure, True
        async with self.pool.connection() as connection:
            if unsure or self.hands.unsure:
                await claim.give_back(
                    connection, keep_days=self.rules.keep_days, worker=self.id, held=list(self.hands.claims)
                )
                self.hands.unsure = False
            self.board = self.pace.board(await breaker.load(connection), datetime.now(UTC))
            claimed = await self._claim(connection, min(limit, self.hands.free))
            batch = await self.pace.admit(connection, claimed, self.board, self.hands.claims)
            if batch:
                desk = await send.load(connection, batch)
                prepared = await send.prepare(connection, batch, desk, self.rules.policy)
                self.hands.take(prepared, self.board)
        self.unsure = False
        return len(claimed)

    async def _claim(self, connection: AsyncConnection[Any], limit: int) -> list[Claimed]:
        batch: list[Claimed] = []
        limit = min(limit, self.pace.most(self.board, datetime.now(UTC)) or limit)
        for only, without, most in self.board.scopes(datetime.now(UTC), self.hands.of_provider):
            wanted = min(limit - len(batch), most or limit)
            if wanted > 0:
                batch += await claim.claim(
                    connection, self.id, wanted, keep_days=self.rules.keep_days, only=only, without=without
                )
        return batch

    async def _sleep(self) -> None:
        """Until woken, or for as long as it takes for something to be due that nobody rings for."""
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


def _pool(url: str) -> AsyncConnectionPool[AsyncConnection[Any]]:
    # Prepared statements are planned with their values each time: else the bounds of ids would not choose partitions.
    options = f"{conninfo_to_dict(url).get('options') or ''} -c plan_cache_mode=force_custom_plan".strip()
    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=4,
        open=False,
        kwargs={"autocommit": True, "options": options},
        check=AsyncConnectionPool.check_connection,
    )


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
