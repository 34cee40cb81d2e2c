"""A worker's hands: the mails that it has claimed, on their way out.

Whatever happens to one mail, the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from undelivered.delivery import breaker, claim, providers, send
from undelivered.delivery.about import NOTIFICATION
from undelivered.delivery.breaker import Board, Known
from undelivered.delivery.outages import OUTAGES, short
from undelivered.delivery.outcomes import Outcome, Unreachable
from undelivered.delivery.places import Places
from undelivered.delivery.rates import NO_LIMITS, Limits
from undelivered.delivery.recorder import Recorder
from undelivered.delivery.room import MOST_IN_HAND, InHand
from undelivered.delivery.send import Policy, Prepared, Ready
from undelivered.delivery.tally import Tally
from undelivered.delivery.transports import Kept, Lane, Parcel, Transport, chosen
from undelivered.env import Env

#: A mail whose provider turned out to be unreachable comes to its fallback this much later.
NEXT_DOOR_S = 1.1
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
        self.tally = Tally()
        self.recorder = Recorder(pool, worker, self.tally, changed)
        self.in_hand = InHand(max(MOST_IN_HAND, 8 * rules.connections))
        self.board = Board({})
        self.unsure = False  # mails could not be put back: their claims have to be given back
        self.transports: dict[int, tuple[datetime, Kept]] = {}
        self._freed = asyncio.Event()
        # A provider's mails wait in a line for its lanes, of which there are as many as it has connections: a task for
        # each mail would cost more than the mail.
        self._places: dict[int, Places[Ready]] = {}
        self._known: dict[int, Known] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._recording: asyncio.Task[None] | None = None

    @property
    def claims(self) -> set[UUID]:
        """Claimed, and not recorded yet."""
        return self.recorder.claims

    def start(self) -> None:
        self._recording = asyncio.create_task(self.recorder.run())

    def take(self, prepared: Prepared, takers: Mapping[UUID, Known]) -> None:
        """Begins to send what is ready, each by the provider that is named for it, and has the rest recorded."""
        self.claims.update(result.row.id for result in prepared.results)
        for result in prepared.results:
            self.recorder.put(result)
        for mail in prepared.ready:
            provider = takers[mail.row.id]
            self.claims.add(mail.row.id)
            if provider.on_probation:
                self.recorder.on_probation.add(provider.id)
            self._known[provider.id] = provider  # as it is set up now, for those who wait already, too
            self._count(mail, provider, 1)
            self._places_of(provider).join(mail)
        for id in {takers[mail.row.id].id for mail in prepared.ready}:
            self._open_lanes(id)

    async def wait(self, seconds: float) -> None:
        """Until a hand is free, or the time is up."""
        if self.in_hand.total:
            self._freed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._freed.wait(), seconds)

    async def finish(self) -> None:
        """Until everything in hand is sent and recorded."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self.recorder.finish()

    async def close(self, grace_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.finish(), grace_s)
        ending = [*self._tasks, *([self._recording] if self._recording else [])]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        for _, transport in self.transports.values():
            await transport.close()

    def figures(self) -> dict[str, Any]:
        """What the worker's row shows of it."""
        known = self.pool.get_stats()
        pool = {name: known.get(f"pool_{name}", 0) for name in ("size", "available")}
        return self.tally.figures(
            in_hand=self.in_hand.total, pool={**pool, "waiting": known.get("requests_waiting", 0)}
        )

    # --- sending ------------------------------------------------------------------------------------------------------

    def _places_of(self, provider: Known) -> Places[Ready]:
        places = self._places.get(provider.id)
        if places is None:
            places = self._places[provider.id] = Places(self.rules.connections, shared=provider.project_id is None)
        made = self.transports.get(provider.id)
        places.n = made[1].settings.max_connections if made else self.rules.connections
        return places

    def _open_lanes(self, provider: int) -> None:
        places = self._places[provider]
        while mail := places.next():
            task = asyncio.create_task(self._lane(provider, places, mail))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _lane(self, provider: int, places: Places[Ready], mail: Ready | None) -> None:
        """Sends one mail after the other, as long as there are any."""
        follower: Ready | None = None

        def following() -> Parcel | None:
            nonlocal follower
            assert mail is not None
            follower = places.hand_on(mail)
            try:
                return send.parcel(follower, self._known[provider]) if follower else None
            except Exception:  # it is told so when it is its turn; the mail before it goes on
                return None

        lane = Lane(following)
        try:
            while mail:
                follower, begun = None, lane.begun
                try:
                    await self._send(mail, self._known[provider], lane)
                finally:
                    if follower is None:
                        places.left(mail)
                if lane.begun is begun:  # it came to no transport, or to another one
                    lane.drop()
                mail, follower = follower or places.next(), None
        finally:
            lane.drop()
            if follower is not None:  # its turn did not come
                places.left(follower)
                places.join(follower)

    async def _send(self, mail: Ready, provider: Known, lane: Lane) -> None:
        NOTIFICATION.set(str(mail.row.id))
        begun = time.perf_counter()
        try:
            outcome = await self._outcome(mail, provider, lane)
            self.tally.attempted(type(outcome).__name__.lower(), time.perf_counter() - begun)
            policy, due = self.rules.policy, None
            if isinstance(outcome, Unreachable):
                due = await self._rest(provider, outcome)
                if self.board.stand_in(provider):  # however long this mail has been tried, not there
                    policy = replace(policy, give_up_after=timedelta.max)
            result = send.judge(mail, outcome, policy, provider.id, due)
            if len(self.board.chain(mail.row.project_id)) > 1:
                result.verdict.data["provider"] = provider.name
            if _log.isEnabledFor(logging.INFO):
                _log.info("attempt", extra=_about(mail, outcome, provider))
        except Exception as error:  # a mistake of ours: it must cost neither the mail nor the others
            _log.exception("sending broke", extra={"attempt": mail.row.attempts})
            result = send.broke(mail, error, self.rules.policy, provider.id)
        finally:
            self._count(mail, provider, -1)
        self.recorder.put(result)

    async def _outcome(self, mail: Ready, provider: Known, lane: Lane) -> Outcome:
        try:
            transport = await self.transport(provider)
        except Exception as error:  # a password under another secret key, a URL of another version
            return Unreachable(f"The provider's settings cannot be used: {error}", our_fault=True)
        return await send.hand_over(mail, transport, provider, lane)

    async def transport(self, provider: Known) -> Transport:
        """The pooled connections to a provider; made anew when its settings changed."""
        made = self.transports.get(provider.id)
        if made is not None and made[0] == provider.changed_at:
            return made[1]
        new = chosen.transport(providers.settings_of(provider, connections=self.rules.connections))
        self.transports[provider.id] = (provider.changed_at, new)
        if made is not None:
            await made[1].close()
        return new

    def _count(self, mail: Ready, provider: Known, n: int) -> None:
        self.in_hand.count(provider.id, mail.row.project_id, len(mail.message), n)
        if n < 0:
            self._freed.set()

    # --- a provider that is out of order ------------------------------------------------------------------------------

    async def heed(self, board: Board, now: datetime) -> None:
        """Whoever waits for a provider that another worker found out of order need not find out by themselves."""
        self.board = board
        for provider in board.all:
            if provider.on_probation and provider.paused_until and provider.rests(now):
                await self._turn_away(provider, self._next_try(provider, provider.paused_until))

    def _next_try(self, provider: Known, paused_until: datetime) -> datetime:
        """When a mail of a provider that is out of order may be tried again, there or next door."""
        return datetime.now(UTC) if self.board.stand_in(provider) else paused_until

    async def _rest(self, provider: Known, outcome: Unreachable) -> datetime | None:
        """Begins the pause of a provider; when the mail may be tried again."""
        try:
            async with self.pool.connection() as connection:
                until = await breaker.pause(connection, provider, " ".join(outcome.reply.split())[:500])
        except OUTAGES as error:
            _log.warning("the pause of provider %s was not written: %s", provider.id, short(error))
            return None
        due = self._next_try(provider, until)
        await self._turn_away(provider, due)
        if due < until:
            asyncio.get_running_loop().call_later(NEXT_DOOR_S, self.changed)
        return due

    async def _turn_away(self, provider: Known, due: datetime) -> None:
        """Those in line go back to the queue: no attempt was made, and others may take them there."""
        places = self._places.get(provider.id)
        mails = places.clear() if places is not None else []
        if not mails:
            return
        rows = [(replace(mail.row, counted_on=mail.counted_on), due) for mail in mails]
        try:
            async with self.pool.connection() as connection:
                await claim.put_back(connection, self.worker, rows)
        except Exception as error:
            _log.warning("%d mails in line were not put back: %s", len(mails), short(error))
            self.unsure = True
        for mail in mails:
            self._count(mail, provider, -1)
            self.claims.discard(mail.row.id)
        self.changed()


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
