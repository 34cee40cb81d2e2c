"""The SMTP transport: one recipient, one transaction, one outcome, over connections that are kept and used again."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import UUID

from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports.connection import CannotOpen, Connection
from undelivered.delivery.transports.deadline import Deadline, Deadlines
from undelivered.delivery.transports.envelope import Mail, NotSent
from undelivered.delivery.transports.oauth import Tokens
from undelivered.delivery.transports.pool import Pool
from undelivered.delivery.transports.provider_url import Security, SmtpSettings, parse_provider_url
from undelivered.delivery.transports.replies import NotSmtp, Reply
from undelivered.delivery.transports.talk import Talk
from undelivered.delivery.transports.transaction import OutOfStep, ask_leave
from undelivered.delivery.transports.wire import Lost

__all__ = ("Security", "SmtpSettings", "SmtpTransport", "parse_provider_url")

log = logging.getLogger(__name__)

LOGIN_WANTED = frozenset((530, 534, 535, 538))  # RFC 4954, 6: about our login, not about the mail
SLOWEST_BYTES_A_SECOND = 16 * 1024
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
        self._keeps_step = False
        self._step_by_step_until = 0.0

    async def send(
        self, envelope_from: str, recipient: str, message: bytes, *, smtputf8: bool = False, own: UUID | None = None
    ) -> Outcome:
        mail = Mail.of(envelope_from, recipient, message, smtputf8)
        async with self.pool.places:
            return await _Attempt(self, mail).run()

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


class _Attempt:
    """One try at handing over one mail. Every exception becomes an outcome in `run`, and nowhere else."""

    def __init__(self, transport: SmtpTransport, mail: Mail) -> None:
        self.transport = transport
        self.mail = mail
        self.talk = Talk()
        self.connection: Connection | None = None
        self.started = time.monotonic()

    async def run(self) -> Outcome:
        settings = self.transport.settings
        keep = False
        try:
            with self.transport.deadlines.within(settings.timeout_s) as deadline:
                reply = await self._converse(deadline)
            keep = reply.code != 421
            return self._judge(reply)
        except NotSent as refusal:
            keep = True
            return Refused(refusal.text, **self._circumstances(enhanced=refusal.enhanced))
        except CannotOpen as trouble:
            return Unreachable(trouble.text, our_fault=trouble.our_fault, **self._circumstances(trouble.reply))
        except NotSmtp as garbage:
            return Unknown(garbage.shown, final=True, **self._circumstances())
        except Lost as lost:
            return self._gone(str(lost))
        except TimeoutError:
            if self.connection is not None and self.connection.garbage_waits:
                return Unknown(self.connection.unread_text(), final=True, **self._circumstances())
            limit = settings.after_dot_s if self.talk.stage is Stage.AFTER_DOT else settings.timeout_s
            self.talk.note("the time is up")
            return self._gone(f"No answer within {limit:g} seconds")
        except Exception:
            log.exception("an attempt failed in a way that nobody thought of")
            return self._gone("The attempt broke off")
        finally:
            self._let_go(keep)

    async def _converse(self, deadline: Deadline) -> Reply:
        """The transaction, up to the first reply that decides."""
        connection, reply = await self._begin()
        if reply.code != 354:
            return reply
        early = await connection.message(self.mail.content, self._extending(deadline))
        if early is not None:
            return early
        deadline.at = asyncio.get_running_loop().time() + self.transport.settings.after_dot_s
        reply = await connection.final_dot()
        connection.unfinished = False
        return reply

    def _extending(self, deadline: Deadline) -> Callable[[], None]:
        """A large mail may take longer than the deadline as long as it moves on, and not too slowly on the whole."""
        now = asyncio.get_running_loop().time
        usual = self.transport.settings.timeout_s
        last = now() + usual + len(self.mail.content) / SLOWEST_BYTES_A_SECOND

        def extend() -> None:
            deadline.at = min(last, now() + usual)

        return extend

    async def _begin(self) -> tuple[Connection, Reply]:
        """Leave to send the mail, or a refusal: on a connection that was kept if there is one, else on a new one.

        A kept one may have died meanwhile, and a server may not keep to the PIPELINING that it offers: then again, on
        a new one. Nothing was delivered as long as the mail itself was not sent.
        """
        transport = self.transport
        kept = transport.pool.take()
        if kept is not None:
            kept.talk = self.talk
            self.connection = kept
            self.talk.note("on an open connection")
            try:
                reply = await transport.ask_leave(kept, self.mail, fresh=False)
            except (Lost, OutOfStep):
                pass
            else:
                if reply.code != 421:  # a provider's way of ending an old connection
                    return kept, reply
        try:
            connection = await self._anew()
            return connection, await transport.ask_leave(connection, self.mail, fresh=True)
        except OutOfStep:
            connection = await self._anew()
            return connection, await transport.ask_leave(connection, self.mail, fresh=True)

    async def _anew(self) -> Connection:
        if self.connection is not None:
            self.connection.discard()
            self.connection = None
        self.talk.stage = Stage.CONNECT
        self.connection = await self.transport.open(self.talk)
        return self.connection

    def _judge(self, reply: Reply) -> Outcome:
        facts = self._circumstances(reply)
        if reply.good and self.talk.stage is Stage.AFTER_DOT:
            return Accepted(reply.text, **facts)
        if reply.code in LOGIN_WANTED:
            return Unreachable(reply.text, our_fault=True, **facts)
        if reply.code >= 500:
            return Refused(reply.text, **facts)
        return TryLater(reply.text, **facts)

    def _gone(self, text: str) -> Outcome:
        """No reply came. What that means depends on how far we were."""
        stage = self.talk.stage
        if stage is Stage.AFTER_DOT:
            return Unknown(f"{text} after the whole mail was sent.", final=False, **self._circumstances())
        if stage in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            return TryLater(f"{text}, before the whole mail was sent.", **self._circumstances())
        return Unreachable(f"{text} from {self.transport.address}.", **self._circumstances())

    def _circumstances(self, reply: Reply | None = None, *, enhanced: str | None = None) -> dict[str, Any]:
        return {
            "code": reply.code if reply else None,
            "enhanced": reply.enhanced if reply else enhanced,
            "host": self.transport.address,
            "tls": self.connection.tls if self.connection else None,
            "duration_ms": round((time.monotonic() - self.started) * 1000),
            "stage": self.talk.stage,
            "dialogue": self.talk.kept(),
        }

    def _let_go(self, keep: bool) -> None:
        if self.connection is None:
            return
        if keep:
            self.transport.pool.put(self.connection)
        else:
            self.connection.discard()
