"""A worker's hands: the mails that it has claimed, on their way out, and their outcomes, on their way to the database.

Whatever happens to one mail, the others go on; and an outcome that the database cannot take now is kept until it can.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from undelivered.delivery import breaker, providers, record, retry, send
from undelivered.delivery.about import NOTIFICATION
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.outcomes import Outcome, Unreachable
from undelivered.delivery.rates import NO_LIMITS, Limits
from undelivered.delivery.record import Result
from undelivered.delivery.send import Policy, Prepared, Ready
from undelivered.delivery.tally import Tally
from undelivered.delivery.transports import Transport
from undelivered.delivery.transports.smtp import SmtpTransport
from undelivered.env import Env

#: Mails in hand at once, and their bytes: a slow one must not keep the others waiting, nor may they fill the memory.
MOST_IN_HAND = 400
MOST_BYTES = 128 * 1024 * 1024
#: For so long a finished outcome waits for others, to be written with them.
GATHER_S = 0.01
AGAIN_S = 1.0
#: What says that the database is away, or busy with itself: the same again later will do.
OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError, TimeoutError, OSError)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a worker obeys: the site's settings, in its own words."""

    policy: Policy
    keep_days: int
    connections: int
    limits: Limits = NO_LIMITS

    @classmethod
    def of(cls, env: Env) -> Rules:
        policy = Policy(
            env.size_limit, env.daily_limit, timedelta(hours=env.retry_hours), env.time_zone, env.bounce_domain or ""
        )
        limits = Limits(env.provider_rate, env.domain_connections)
        return cls(policy, env.keep_days, env.worker_connections, limits)


class Hands:
    """`take` begins to send; every mail taken ends in one recorded result, or is given back."""

    def __init__(
        self,
        pool: AsyncConnectionPool[AsyncConnection[Any]],
        rules: Rules,
        worker: int,
        changed: Callable[[], None],
    ) -> None:
        self.pool, self.rules, self.worker, self.changed = pool, rules, worker, changed
        self.claims: set[UUID] = set()  # claimed, and not recorded yet
        self.of_provider: Counter[int] = Counter()
        self.unsure = False  # a result could not be recorded at all: its claim has to be given back
        self.transports: dict[int, tuple[datetime, SmtpTransport]] = {}
        self.tally = Tally()
        self._on_probation: set[int] = set()  # providers whose next answer ends their incident
        self._in_hand = self._bytes = 0
        self._freed = asyncio.Event()
        # A provider's mails wait in a line for its lanes, of which there are as many as it has connections: a task for
        # each mail would cost more than the mail.
        self._lines: defaultdict[int, deque[tuple[Ready, Known]]] = defaultdict(deque)
        self._lanes: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._done: asyncio.Queue[Result] = asyncio.Queue()
        self._recorder: asyncio.Task[None] | None = None

    @property
    def free(self) -> int:
        """How many more mails may be taken."""
        return max(0, MOST_IN_HAND - self._in_hand) if self._bytes < MOST_BYTES else 0

    def start(self) -> None:
        self._recorder = asyncio.create_task(self._record())

    def take(self, prepared: Prepared, board: Board) -> None:
        """Begins to send what is ready, and has the rest recorded."""
        found = [(mail, board.of(mail.row.project_id)) for mail in prepared.ready]
        assert all(provider for _, provider in found), "claimed without a provider"
        self.claims |= {result.row.id for result in prepared.results} | {mail.row.id for mail in prepared.ready}
        for result in prepared.results:
            self._done.put_nowait(result)
        for mail, provider in found:
            assert provider is not None
            if provider.on_probation:
                self._on_probation.add(provider.id)
            self._count(mail, provider, 1)
            self._lines[provider.id].append((mail, provider))
        for id in {provider.id for _, provider in found if provider}:
            self._open_lanes(id)

    async def wait(self, seconds: float) -> None:
        """Until a hand is free, or the time is up."""
        if self._in_hand:
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), seconds)

    async def finish(self) -> None:
        """Until everything in hand is sent and recorded."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._done.join()

    async def close(self, grace_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.finish(), grace_s)
        ending = [*self._tasks, *([self._recorder] if self._recorder else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for _, transport in self.transports.values():
            await transport.close()

    def figures(self) -> dict[str, Any]:
        """What the worker's row shows of it."""
        known = self.pool.get_stats()
        pool = {name: known.get(f"pool_{name}", 0) for name in ("size", "available")}
        return self.tally.figures(in_hand=self._in_hand, pool={**pool, "waiting": known.get("requests_waiting", 0)})

    # --- sending ------------------------------------------------------------------------------------------------------

    def _open_lanes(self, provider: int) -> None:
        made = self.transports.get(provider)
        most = made[1].settings.max_connections if made else self.rules.connections
        for _ in range(min(most - self._lanes[provider], len(self._lines[provider]))):
            self._lanes[provider] += 1
            task = asyncio.create_task(self._lane(provider))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _lane(self, provider: int) -> None:
        """Sends one mail after the other, as long as there are any."""
        line = self._lines[provider]
        try:
            while line:
                await self._send(*line.popleft())
        finally:
            self._lanes[provider] -= 1

    async def _send(self, mail: Ready, provider: Known) -> None:
        NOTIFICATION.set(str(mail.row.id))
        begun = time.perf_counter()
        try:
            outcome = await self._outcome(mail, provider)
            self.tally.attempted(type(outcome).__name__.lower(), time.perf_counter() - begun)
            due = await self._rest(provider, outcome) if isinstance(outcome, Unreachable) else None
            result = send.judge(mail, outcome, self.rules.policy, provider.id, due)
            if _log.isEnabledFor(logging.INFO):
                _log.info("attempt", extra=_about(mail, outcome, provider))
        except Exception as error:  # a mistake of ours: it must cost neither the mail nor the others
            _log.exception("sending broke", extra={"attempt": mail.row.attempts})
            result = send.broke(mail, error, self.rules.policy, provider.id)
        finally:
            self._count(mail, provider, -1)
        self._done.put_nowait(result)

    async def _outcome(self, mail: Ready, provider: Known) -> Outcome:
        try:
            transport = await self.transport(provider)
        except Exception as error:  # a password under another secret key, a URL of another version
            return Unreachable(f"The provider's settings cannot be used: {error}", our_fault=True)
        return await send.hand_over(mail, transport, provider)

    async def transport(self, provider: Known) -> Transport:
        """The pooled connections to a provider; made anew when its settings changed."""
        made = self.transports.get(provider.id)
        if made is not None and made[0] == provider.changed_at:
            return made[1]
        settings = providers.smtp_settings(provider, connections=self.rules.connections)
        new = SmtpTransport(settings)
        self.transports[provider.id] = (provider.changed_at, new)
        if made is not None:
            await made[1].close()
        return new

    async def _rest(self, provider: Known, outcome: Unreachable) -> datetime | None:
        try:
            async with self.pool.connection() as connection:
                return await breaker.pause(connection, provider, " ".join(outcome.reply.split())[:500])
        except OUTAGES as error:
            _log.warning("the pause of provider %s was not written: %s", provider.id, short(error))
            return None

    def _count(self, mail: Ready, provider: Known, n: int) -> None:
        self._in_hand += n
        self._bytes += n * len(mail.message)
        self.of_provider[provider.id] += n
        if n < 0:
            self._freed.set()

    # --- recording ----------------------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Writes outcomes as they come, as many in a transaction as have come by then."""
        while True:
            results = [await self._done.get()]
            await asyncio.sleep(GATHER_S)  # those that come together are written together
            while not self._done.empty() and len(results) < MOST_IN_HAND:
                results.append(self._done.get_nowait())
            await self._record_surely(results)
            for result in results:
                self.tally.ended(result.verdict.state, result.verdict.reason)
            self.claims -= {result.row.id for result in results}
            for _ in results:
                self._done.task_done()
            self.changed()  # a hand is free, and perhaps a provider works again

    async def _record_surely(self, results: list[Result], *, bare: bool = False) -> None:
        """What became of the mails is written as soon as the database is there; one that it refuses stops no other."""
        while True:
            try:
                async with self.pool.connection() as connection:
                    await record.record(connection, self.worker, results)
                    answered = {r.provider_id for r in results if r.provider_id and r.verdict.answered}
                    await breaker.close(connection, answered & self._on_probation)
                    self._on_probation -= answered
            except OUTAGES as error:
                _log.warning("%d outcomes wait for the database: %s", len(results), short(error))
                await asyncio.sleep(AGAIN_S)
            except Exception:
                _log.exception("%d outcomes could not be written", len(results))
                if len(results) > 1:
                    for one in results:
                        await self._record_surely([one])
                elif not bare:
                    plain = replace(results[0], verdict=retry.bare(results[0].verdict))
                    await self._record_surely([plain], bare=True)
                else:
                    self.unsure = True
                return
            else:
                return


def _about(mail: Ready, outcome: Outcome, provider: Known) -> dict[str, Any]:
    """What is logged of an attempt: ids and codes. Replies quote addresses; they are in the notification's history."""
    return {
        "outcome": type(outcome).__name__.lower(),
        "attempt": mail.row.attempts,
        "project": mail.row.project_id,
        "provider": provider.id,
        "code": outcome.code,
        "ms": outcome.duration_ms,
    }


def short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
