"""The SMTP transport: one recipient, one transaction, one outcome, over connections that are kept and used again."""

from __future__ import annotations

import ssl
import time
from functools import cached_property
from uuid import UUID

from undelivered.delivery.outcomes import Outcome
from undelivered.delivery.transports import Lane, Parcel
from undelivered.delivery.transports.ahead import Ahead, Habit
from undelivered.delivery.transports.attempt import Attempt
from undelivered.delivery.transports.connection import CannotOpen, Connection
from undelivered.delivery.transports.deadline import Deadlines
from undelivered.delivery.transports.envelope import Mail
from undelivered.delivery.transports.oauth import Tokens
from undelivered.delivery.transports.pool import Pool
from undelivered.delivery.transports.provider_url import Security, SmtpSettings, parse_provider_url
from undelivered.delivery.transports.replies import Reply
from undelivered.delivery.transports.talk import Talk
from undelivered.delivery.transports.transaction import OutOfStep, ask_leave, hear_leave
from undelivered.delivery.transports.wire import Lost

__all__ = ("Security", "SmtpSettings", "SmtpTransport", "parse_provider_url")

STEP_BY_STEP_S = 3600.0
"""For so long a server that does not keep to the PIPELINING it offers is spoken to command by command."""


class SmtpTransport:
    def __init__(self, settings: SmtpSettings, *, tls_context: ssl.SSLContext | None = None) -> None:
        self.settings = settings
        self.pool = Pool(settings.max_connections, settings.idle_s)
        self.deadlines = Deadlines(settings.timeout_s)
        self.address = f"{settings.host}:{settings.port}"
        self._given_context = tls_context
        self._tokens = (
            Tokens(settings.oauth, settings.password, public_only=settings.public_only) if settings.oauth else None
        )
        self.habit = Habit()
        self._keeps_step = False
        self._step_by_step_until = 0.0

    async def send(
        self,
        envelope_from: str,
        recipient: str,
        message: bytes,
        *,
        smtputf8: bool = False,
        own: UUID | None = None,
        lane: Lane | None = None,
    ) -> Outcome:
        parcel = Parcel(envelope_from, recipient, message, smtputf8)
        begun = self._begun(lane, parcel) if lane is not None else None
        if begun is None:
            await self.pool.places.acquire()
        try:
            return await Attempt(self, begun.mail if begun else Mail.of(*parcel), lane, begun).run()
        finally:
            if lane is None or lane.begun is None:  # else the mail that was begun keeps the place
                self.pool.places.release()

    def _begun(self, lane: Lane, parcel: Parcel) -> Ahead | None:
        """The mail, if it was begun behind the one before it."""
        begun, lane.begun = lane.begun, None
        if isinstance(begun, Ahead) and begun.habit is self.habit and begun.is_of(parcel):
            return begun
        if begun is not None:
            begun.drop()
        return None

    async def close(self) -> None:
        await self.pool.close()

    async def open(self, talk: Talk) -> Connection:
        try:
            return await self._open(talk)
        except CannotOpen as trouble:
            if not trouble.stale:
                raise
        talk.note("again, with a fresh token")
        return await self._open(talk)

    async def _open(self, talk: Talk) -> Connection:
        context = None if self.settings.security is Security.NONE else self._context
        connection = Connection(self.settings, context, talk, self._tokens)
        try:
            await connection.open()
        except BaseException:
            connection.discard()
            raise
        return connection

    async def ask_leave(self, connection: Connection, mail: Mail, *, fresh: bool) -> Reply:
        """As `transaction.ask_leave`, in the way that this server has shown it can take."""
        offered = connection.offers("pipelining") is not None
        in_one_go = offered and time.monotonic() >= self._step_by_step_until
        doubt_s = self.settings.timeout_s / 3 if fresh and not self._keeps_step else None
        try:
            reply = await ask_leave(connection, mail, in_one_go=in_one_go, doubt_s=doubt_s)
        except OutOfStep:
            self._step_by_step_until = time.monotonic() + STEP_BY_STEP_S
            connection.talk.note("the server does not keep to the PIPELINING that it offers; again, step by step")
            raise
        self._keeps_step |= in_one_go and reply.code == 354
        return reply

    async def hear_leave(self, connection: Connection) -> Reply:
        """As `ask_leave`, which was asked behind the dot of the mail before."""
        try:
            with self.deadlines.within(self.settings.timeout_s / 3):
                reply = await hear_leave(connection)
        except TimeoutError as error:
            if connection.garbage_waits:
                raise
            self.habit.broken()
            raise OutOfStep from error
        except OutOfStep:
            self.habit.broken()
            raise
        except Lost:
            if not self.habit.proven:  # else it ends its connections after some mails
                self.habit.broken()
            raise
        self.habit.proven |= reply.code == 354
        return reply

    def next(self, lane: Lane | None, connection: Connection) -> tuple[Ahead, bytes] | None:
        """The mail to begin behind the dot that is said now."""
        offered = connection.offers("pipelining") is not None
        in_step = offered and self._keeps_step and time.monotonic() >= self._step_by_step_until
        return self.habit.next(lane, connection, self.pool) if in_step else None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """Certificates are checked, except where encryption is a bonus and no password is at stake (RFC 7435)."""
        if self._given_context is not None:
            return self._given_context
        context = ssl.create_default_context()
        bonus = self.settings.security is Security.IF_OFFERED and not self.settings.username
        if bonus or not self.settings.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
