"""The worker: one loop that claims, sends and records, and the housekeeping around it.

Delivery is at least once. A crash can send a mail twice in these windows, and the second copy carries the same Message-ID:
between the provider's answer to the final dot and the commit of `record` (at most one batch of 20 ms a connection), and
where the connection was lost after the dot, so that nobody knows the answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from undelivered.database.ids import created_at
from undelivered.delivery import breaker, claim, record, retention, secrets, send, wake
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.claim import Claimed
from undelivered.delivery.outcomes import Outcome, Unreachable
from undelivered.delivery.record import Result
from undelivered.delivery.send import Policy, Ready
from undelivered.delivery.states import State
from undelivered.delivery.transports.provider_url import parse_provider_url
from undelivered.delivery.transports.smtp import SmtpTransport
from undelivered.env import Env

#: A worker that was not seen for so long has lost its claims.
SEEN_WITHIN = timedelta(seconds=60)
HEARTBEAT_S = 15.0
HOUSEKEEPING_S = 20.0
POLL_S = 5.0
BATCH = 100
#: Mails in hand at once: a slow one must not keep the others waiting.
MOST_IN_HAND = 400
#: For so long a finished outcome waits for others, to be written with them.
GATHER_S = 0.005
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a worker obeys: the site's settings, in its own words."""

    policy: Policy
    keep_days: int
    connections: int

    @classmethod
    def of(cls, env: Env) -> Rules:
        policy = Policy(env.size_limit, env.daily_limit, timedelta(hours=env.retry_hours), env.time_zone)
        return cls(policy, env.keep_days, env.worker_connections)


class Worker:
    """`run` until `stop` is called; `run_once` is one turn: one batch, sent and recorded."""

    def __init__(self, url: str, rules: Rules) -> None:
        self.url, self.rules = url, rules
        self.id = 0
        self.pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=4,
            open=False,
            kwargs={"autocommit": True},
            check=AsyncConnectionPool.check_connection,
        )
        self.transports: dict[int, tuple[datetime, SmtpTransport]] = {}
        self.board = Board({})
        self.woken = asyncio.Event()
        self.stopping = asyncio.Event()
        self.in_hand: set[asyncio.Task[None]] = set()
        self.done: asyncio.Queue[Result] = asyncio.Queue()

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Registers the worker: from here on it may claim."""
        await self.pool.open(wait=True, timeout=30)
        async with self.pool.connection() as connection:
            row = await (await connection.execute(_REGISTER, [socket.gethostname(), os.getpid()])).fetchone()
        assert row is not None
        self.id = int(row[0])
        self.recorder = asyncio.create_task(self._record())

    async def close(self, grace_s: float = 20.0) -> None:
        """Lets the mails in hand finish, gives back what did not, and signs off."""
        if self.in_hand:
            await asyncio.wait(self.in_hand, timeout=grace_s)
        for task in self.in_hand:
            task.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.done.join(), grace_s)
        self.recorder.cancel()
        for _, transport in self.transports.values():
            await transport.close()
        try:
            async with self.pool.connection(timeout=5) as connection:
                await claim.give_back(
                    connection, keep_days=self.rules.keep_days, seen_within=SEEN_WITHIN, worker=self.id
                )
                await connection.execute("DELETE FROM delivery_worker WHERE id = %s", [self.id])
        except (psycopg.Error, TimeoutError) as error:
            _log.warning("could not sign off: %s; the claims run out by themselves", error)
        await self.pool.close()

    def stop(self) -> None:
        self.stopping.set()
        self.woken.set()

    async def run(self) -> None:
        """Works until `stop`. A database that goes away is waited for; nothing is lost meanwhile."""
        async with _cancelled_at_end(self._beat(), self._listen(), self._keep_house()):
            while not self.stopping.is_set():
                try:
                    claimed = await self.turn()
                except (psycopg.Error, TimeoutError, OSError) as error:
                    _log.warning("the database cannot be reached: %s; waiting", _short(error))
                    await self._pause(2.0)
                except Exception:
                    _log.exception("a turn of the worker failed; the next one follows")
                    await self._pause(2.0)
                else:
                    if not claimed:
                        await self._sleep()

    # --- one turn -------------------------------------------------------------------------------------------------

    async def run_once(self, limit: int = BATCH) -> int:
        """One turn to its end: what is due is claimed, sent and recorded; how many."""
        claimed = await self.turn(limit)
        while self.in_hand:
            await asyncio.wait(self.in_hand)
        await self.done.join()
        return claimed

    async def turn(self, limit: int = BATCH) -> int:
        """Claims what is due, as much as there are hands free, and begins to send it; how many.

        A slow provider holds its own mails only: the next turn does not wait for this one's.
        """
        while len(self.in_hand) >= MOST_IN_HAND and not self.stopping.is_set():
            await asyncio.wait(self.in_hand, timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
        async with self.pool.connection() as connection:
            self.board = await breaker.load(connection)
            batch = await self._claim(connection, min(limit, MOST_IN_HAND - len(self.in_hand)))
            if not batch:
                return 0
            desk = await send.load(connection, batch)
            prepared = await send.prepare(connection, batch, desk, self.rules.policy)
            if prepared.results:
                await record.record(connection, self.id, prepared.results)
        for mail in prepared.ready:
            task = asyncio.create_task(self._send(mail))
            self.in_hand.add(task)
            task.add_done_callback(self.in_hand.discard)
        return len(batch)

    async def _claim(self, connection: AsyncConnection[Any], limit: int) -> list[Claimed]:
        batch: list[Claimed] = []
        for only, without, most in self.board.scopes(datetime.now(UTC)):
            wanted = min(limit - len(batch), most or limit)
            if wanted > 0:
                batch += await claim.claim(
                    connection, self.id, wanted, keep_days=self.rules.keep_days, only=only, without=without
                )
        return batch

    async def _send(self, mail: Ready) -> None:
        provider = self.board.of(mail.row.project_id)
        assert provider is not None, "claimed without a provider"
        due: datetime | None = None
        outcome: Outcome
        try:
            outcome = await send.hand_over(mail, self._transport(provider))
        except Exception as error:  # an unclear error is temporary
            _log.exception("notification %s: sending broke", mail.row.id)
            outcome = Unreachable(f"Undelivered could not talk to the provider: {error}", our_fault=True)
        if isinstance(outcome, Unreachable):
            due = await self._pause_provider(provider, outcome)
        _log.info("notification %s: attempt %s: %s", mail.row.id, mail.row.attempts, type(outcome).__name__)
        self.done.put_nowait(send.judge(mail, outcome, self.rules.policy, provider.id, due))

    async def _pause_provider(self, provider: Known, outcome: Unreachable) -> datetime | None:
        try:
            async with self.pool.connection() as connection:
                return await breaker.pause(connection, provider, " ".join(outcome.reply.split())[:500])
        except (psycopg.Error, TimeoutError) as error:
            _log.warning("the pause of provider %s was not written: %s", provider.id, _short(error))
            return None

    async def _record(self) -> None:
        """Writes outcomes as they come, as many in a transaction as have come by then."""
        while True:
            results = [await self.done.get()]
            await asyncio.sleep(GATHER_S)  # those that come together are written together
            while not self.done.empty() and len(results) < MOST_IN_HAND:
                results.append(self.done.get_nowait())
            await self._record_surely(results)
            for _ in results:
                self.done.task_done()

    async def _record_surely(self, results: list[Result]) -> None:
        """The mails are out: what became of them is written as soon as the database is there again."""
        while True:
            try:
                async with self.pool.connection() as connection:
                    await record.record(connection, self.id, results)
                    answered = {r.provider_id for r in results if r.verdict.burn}
                    await breaker.close(connection, [k for k in self.board.by_project.values() if k.id in answered])
            except (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError) as error:
                _log.warning("%d outcomes wait for the database: %s", len(results), _short(error))
                await asyncio.sleep(1.0)
            except Exception:
                _log.exception("%d outcomes could not be written; their claims run out", len(results))
                return
            else:
                return

    def _transport(self, provider: Known) -> SmtpTransport:
        """The pooled connections to a provider; made anew when its settings changed."""
        made = self.transports.get(provider.id)
        if made is None or made[0] != provider.changed_at:
            parsed = parse_provider_url(provider.url)
            settings = replace(
                parsed, password=secrets.decrypt(provider.secret), max_connections=self.rules.connections
            )
            if made is not None:
                asyncio.get_running_loop().create_task(made[1].close())
            made = self.transports[provider.id] = (provider.changed_at, SmtpTransport(settings))
        return made[1]

    # --- beside the loop ------------------------------------------------------------------------------------------

    async def _sleep(self) -> None:
        """Until woken, or for as long as it takes for something to be due that nobody rings for."""
        change = self.board.next_change(datetime.now(UTC))
        seconds = POLL_S if change is None else max(0.1, min(POLL_S, (change - datetime.now(UTC)).total_seconds()))
        try:
            await asyncio.wait_for(self.woken.wait(), seconds)
        except TimeoutError:
            return
        self.woken.clear()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _beat(self) -> None:
        """Says that the worker lives: its claims are its own as long as it does."""
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await self._quietly(self.beat_once)

    async def beat_once(self) -> None:
        async with self.pool.connection() as connection:
            await connection.execute("UPDATE delivery_worker SET seen_at = now() WHERE id = %s", [self.id])

    async def _keep_house(self) -> None:
        while True:
            await self._quietly(self.keep_house_once)
            await asyncio.sleep(HOUSEKEEPING_S)

    async def keep_house_once(self) -> None:
        """Takes over from dead workers, releases held mail, folds counts, makes and drops partitions."""
        async with self.pool.connection() as connection:
            returned = await claim.give_back(connection, keep_days=self.rules.keep_days, seen_within=SEEN_WITHIN)
            async with connection.transaction():
                freed = await claim.release_held(connection, keep_days=self.rules.keep_days)
                await record.add_counts(connection, list(_released(freed)))
            await connection.execute(_FORGET, [datetime.now(UTC) - 10 * SEEN_WITHIN])
        await asyncio.to_thread(retention.keep_house, self.url, self.rules.keep_days)
        if returned or freed:
            self.woken.set()

    async def _listen(self) -> None:
        """Hears the NOTIFY of those who enqueue; a poll every few seconds is the safety net."""
        while True:
            try:
                async with await AsyncConnection.connect(self.url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {wake.CHANNEL}")
                    async for _ in connection.notifies():
                        self.woken.set()
            except (psycopg.Error, OSError) as error:
                _log.debug("not listening: %s", _short(error))
            await asyncio.sleep(2.0)

    async def _quietly(self, work: Any) -> None:
        try:
            await work()
        except (psycopg.Error, TimeoutError, OSError) as error:
            _log.warning("%s: %s", work.__name__, _short(error))
        except Exception:
            _log.exception("%s failed; it is tried again", work.__name__)


_REGISTER = """
INSERT INTO delivery_worker (host, pid, started_at, seen_at) VALUES (%s, %s, now(), now()) RETURNING id
"""
_FORGET = "DELETE FROM delivery_worker WHERE seen_at < %s"


def _released(freed: Sequence[tuple[Any, int, str]]) -> Any:
    for id, project, kind in freed:
        yield project, created_at(id), kind, State.HELD.value, "", -1
        yield project, created_at(id), kind, State.QUEUED.value, "", 1


@asynccontextmanager
async def _cancelled_at_end(*work: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


async def work(env: Env, url: str, stop_signals: Sequence[int] = ()) -> None:
    """A worker's whole life in a process of its own. SIGINT and SIGTERM end it after the batch in hand."""
    worker = Worker(url, Rules.of(env))
    loop = asyncio.get_running_loop()
    for signal in stop_signals:
        loop.add_signal_handler(signal, worker.stop)
    while True:
        try:
            await worker.start()
            break
        except (psycopg.Error, TimeoutError) as error:
            _log.warning("the database cannot be reached: %s; waiting", _short(error))
            if worker.stopping.is_set():
                return
            await asyncio.sleep(2.0)
            worker.pool = Worker(url, worker.rules).pool
    try:
        await worker.run()
    finally:
        await worker.close()
