"""The SMTP door as a whole: a process of its own that takes mail, submitted or come back, and never loses one.

It outlives restarts of web, worker and PostgreSQL. A new door may overlap the old one: both listen on the same port
until the old one has finished its conversations.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from undelivered.delivery import wake
from undelivered.delivery.relayed import Relayed
from undelivered.inbound import access, arrivals, ours, replies
from undelivered.inbound.access import Access
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.envelope import Envelope, Terms
from undelivered.inbound.intake import Intake
from undelivered.inbound.limits import Limits
from undelivered.inbound.listening import Listening
from undelivered.inbound.ours import Ours
from undelivered.inbound.outbox import Away, Outbox, Unfit
from undelivered.inbound.receive import came_back, queued, receive
from undelivered.inbound.replies import Reply
from undelivered.inbound.smtpd import RETURN_PLACES, Connection, Places
from undelivered.inbound.spool import Item, Spool
from undelivered.inbound.tls import Certificate

_log = logging.getLogger(__name__)

#: How old what is known of the credentials may be; a login that fails looks at once, at most so often.
ACCESS_S, ACCESS_AT_ONCE_S = 5.0, 1.0
#: PostgreSQL's time for an errand, and between two of them where nobody asks.
ANSWER_S, ERRAND_S = 2.0, 2.0
SWEEP_S = 1.0
WAKE_GAP_S = 0.02
#: At a stop: conversations under way may finish; one on which nothing was heard for so long ends.
GRACE_S, QUIET_S = 18.0, 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a door, in its own words."""

    url: Callable[[], str]
    zone: ZoneInfo
    spool: Path
    terms: Terms
    least_free: int = 1024**3
    connections: int = 1000
    auth_without_tls: bool = False
    certificate: Certificate | None = None
    bounce_domain: str = ""  # the site's; those of single domains are in the database
    lmtp: int | Path | None = None  # a port on loopback, or a socket


class Door:
    """`start`, then `stop`. What it does by itself are loops over `..._once` functions."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.terms, self.certificate, self.auth_without_tls = plan.terms, plan.certificate, plan.auth_without_tls
        self.access = Access()
        self.limits = Limits(plan.connections)
        self.places, self.return_places = Places(), Places(RETURN_PLACES)
        self.connections: set[Connection] = set()
        self.full = False
        self.stopping = False
        self.spool = Spool(plan.spool, plan.least_free)
        front, back, self._side = (Outbox(plan.url, plan.zone) for _ in range(3))
        self._outboxes = (front, back, self._side)
        self.intake = Intake(front, back, self.spool, stored=self._stored)
        self._listening = Listening(plan.spool)
        self._known = plan.spool / "access.json"
        self._access_since = float("-inf")
        self._access_known = False
        self._used: set[int] = set()
        self._ring = asyncio.Event()
        self._wake: set[str] = set()
        self._asked = False
        self._refreshed = asyncio.Event()
        self._work: list[asyncio.Task[None]] = []
        self._kept: set[asyncio.Task[None]] = set()

    # --- life -----------------------------------------------------------------------------------------------------

    async def start(self, host: str, port: int, tls_port: int | None = None) -> tuple[int, int | None]:
        """Listens; the ports. Raises OSError or `listening.Taken`."""
        self.spool.prepare()
        self.full = self.spool.full()
        await self._first_access()
        bound = await self._listening.open(host, port, partial(Connection, self))
        bound_tls = None
        if tls_port is not None and self.certificate is not None:
            bound_tls = await self._listening.open(
                host, tls_port, partial(Connection, self, encrypted=True), self.certificate.context
            )
        if self.plan.lmtp is not None:
            await self._listening.open_local(self.plan.lmtp, partial(Connection, self, lmtp=True))
        loops = (self.intake.run, self.intake.drain, self._errands, self._sweep)
        self._work = [asyncio.create_task(self._surely(loop)) for loop in loops]
        return bound, bound_tls

    async def stop(self, grace_s: float = GRACE_S) -> None:
        """No new connections; those that are open finish what they are about."""
        await self._listening.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + grace_s
        while self.connections and loop.time() < end:
            for connection in list(self.connections):
                connection.stop_if_idle(loop.time(), QUIET_S)
            await asyncio.sleep(0.05)
        self.stopping = True
        for connection in list(self.connections):
            if connection.talk is not None:
                connection.talk.end(replies.STOPPING)
        for task in (*self._work, *self._kept):
            task.cancel()
        await asyncio.gather(*self._work, *self._kept, return_exceptions=True)
        for outbox in self._outboxes:
            await outbox.close()

    async def _surely(self, loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await loop()
            except Exception:
                _log.exception("a loop of the door broke; it goes on")
                await asyncio.sleep(1.0)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Work of a connection, which nobody waits for."""
        task = asyncio.ensure_future(work)
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    # --- mails ----------------------------------------------------------------------------------------------------

    def ours(self, address: str) -> Ours | Reply | None:
        return ours.look(address, {*self.access.bounce_domains, self.plan.bounce_domain} - {""})

    def submit(self, connection: Connection, envelope: Envelope) -> Reply | None:
        try:
            items = self._read(connection, envelope)
        except Exception:
            _log.exception("a mail could not be looked at")
            return replies.OUR_FAULT
        if isinstance(items, Reply):
            _log.info("a mail from %s was refused: %s", envelope.peer, items.text)
            return items
        self.intake.put(*items).add_done_callback(partial(self._durable, connection, items[0]))
        return None

    def _read(self, connection: Connection, envelope: Envelope) -> list[Item] | Reply:
        """What a mail becomes: one to relay, an arrival for each address of ours, or both."""
        items: list[Item] = []
        if envelope.recipients:
            mail = receive(envelope, self.terms.name)
            if isinstance(mail, Reply):
                return mail
            items.append(mail)
        if any(one.postmaster for one in envelope.returned.values()) and not connection.lmtp:
            refusal = self.limits.postmaster(connection.loop.time())
            if refusal is not None:
                return refusal
        return items + came_back(envelope)

    def _durable(self, connection: Connection, item: Item, durable: asyncio.Future[bool]) -> None:
        if durable.cancelled():
            return
        if durable.result() and isinstance(item, NewArrival):
            self.limits.returned(connection.peer, connection.loop.time())
        connection.answered(queued(item) if durable.result() else replies.NO_ROOM)

    def _stored(self, items: Sequence[Item]) -> None:
        self._wake |= {wake.CHANNEL if isinstance(one, Relayed) else arrivals.CHANNEL for one in items}
        self._ring.set()

    # --- logins ---------------------------------------------------------------------------------------------------

    async def log_in(self, connection: Connection, user: str, password: str) -> None:
        """Ends in the conversation's `logged_in`. What is not known may have been made a moment ago."""
        grant = self.access.log_in(user, password)
        if grant is None and time.monotonic() - self._access_since > ACCESS_AT_ONCE_S:
            self._asked = True
            self._refreshed.clear()
            self._ring.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._refreshed.wait()
            grant = self.access.log_in(user, password)
        if connection.talk is None:
            return
        now = connection.loop.time()
        if grant is not None:
            self.limits.logged_in(connection.peer, now)
            if grant.credential_id is not None:
                self._used.add(grant.credential_id)
            connection.talk.logged_in(grant)
        elif not self._access_known:
            connection.talk.logged_in(None, replies.AUTH_UNAVAILABLE)
        else:
            delay = self.limits.failed(connection.peer, now)
            _log.info("a login from %s failed", connection.peer)
            await asyncio.sleep(delay)
            connection.talk.logged_in(None)

    async def _first_access(self) -> None:
        """From PostgreSQL, or what was known when it was last there."""
        if not await self.refresh_once():
            saved = await asyncio.to_thread(access.restore, self._known)
            self._access_known = saved is not None
            self.access = saved or Access()

    async def refresh_once(self) -> bool:
        """Reads who may submit; whether PostgreSQL answered."""
        try:
            new = await self._side.access(ANSWER_S)
        except (Away, Unfit) as error:
            _log.debug("who may submit is not known anew: %s", error)
            return False
        self._access_since, self._access_known = time.monotonic(), True
        if new != self.access:
            self.access = new
            await asyncio.to_thread(access.save, new, self._known)
        return True

    # --- beside the conversations ---------------------------------------------------------------------------------

    async def _errands(self) -> None:
        """One after the other on one connection: waking the workers, reading and noting who submits."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(ERRAND_S):
                    await self._ring.wait()
            await self.errands_once()
            await asyncio.sleep(WAKE_GAP_S)

    async def errands_once(self) -> None:
        self._ring.clear()
        try:
            while self._wake:
                await self._side.wake(self._wake.pop(), ANSWER_S)
            if time.monotonic() - self._access_since > (ACCESS_AT_ONCE_S if self._asked else ACCESS_S):
                self._asked = False
                if await self.refresh_once() and self._used:
                    used, self._used = self._used, set()
                    await self._side.note_used(sorted(used), ANSWER_S)
        except (Away, Unfit) as error:
            _log.debug("an errand waits: %s", error)
        finally:
            self._refreshed.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self.sweep_once()

    def sweep_once(self) -> None:
        """Deadlines, the room on the disk, the certificate's files."""
        now = asyncio.get_running_loop().time()
        for connection in list(self.connections):
            connection.check(now)
        self.limits.forget(now)
        full = self.spool.full()
        if full and not self.full:
            _log.error(
                "less than %d bytes are free in %s: mail is refused (452)", self.spool.least_free, self.spool.folder
            )
        self.full = full
        if self.certificate is not None:
            self.certificate.refresh()


async def serve(
    plan: Plan,
    host: str,
    port: int,
    tls_port: int | None = None,
    *,
    signals: Sequence[int] = (),
    ready: Callable[[int, int | None], None] = lambda port, tls_port: None,
) -> None:
    """A door's whole life. SIGTERM and SIGINT end it when its conversations have ended."""
    stopped = asyncio.Event()
    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    door = Door(plan)
    try:
        ready(*await door.start(host, port, tls_port))
        await stopped.wait()
    finally:
        await door.stop()
