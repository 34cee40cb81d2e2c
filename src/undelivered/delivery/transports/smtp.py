"""The SMTP transport: one recipient, one transaction, one outcome, over connections that are kept and used again."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from undelivered.delivery.address_parts import ascii_domain, take_apart
from undelivered.delivery.outcomes import Accepted, Outcome, Refused, Stage, TryLater, Unknown, Unreachable
from undelivered.delivery.transports.connection import CannotOpen, Connection, Lost, Talk
from undelivered.delivery.transports.pool import Pool
from undelivered.delivery.transports.provider_url import Security, SmtpSettings, parse_provider_url
from undelivered.delivery.transports.replies import NotSmtp, Reply

__all__ = ("Security", "SmtpSettings", "SmtpTransport", "parse_provider_url")

log = logging.getLogger(__name__)

LOGIN_WANTED = frozenset((530, 534, 535, 538))  # RFC 4954, 6: about our login, not about the mail
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_UNQUOTED = re.compile(r"[\s<>]")


@dataclass(frozen=True, slots=True)
class Mail:
    """One transaction's worth."""

    sender: str
    recipient: str
    content: bytes
    smtputf8: bool


class NotSent(Exception):
    """We refuse it ourselves: the provider has said beforehand that it would."""

    def __init__(self, text: str, enhanced: str) -> None:
        super().__init__(text)
        self.text = text
        self.enhanced = enhanced


class SmtpTransport:
    def __init__(self, settings: SmtpSettings, *, tls_context: ssl.SSLContext | None = None) -> None:
        self.settings = settings
        self._given_context = tls_context
        self._pool = Pool(settings.max_connections, settings.idle_s)

    async def send(self, envelope_from: str, recipient: str, message: bytes, *, smtputf8: bool = False) -> Outcome:
        mail = Mail(_with_ascii_domain(envelope_from), _with_ascii_domain(recipient), message, smtputf8)
        async with self._pool.place():
            return await _Attempt(self, mail).run()

    async def close(self) -> None:
        await self._pool.close()

    async def open(self, talk: Talk) -> Connection:
        connection = Connection(self.settings, self._context, talk)
        try:
            await connection.open()
        except BaseException:
            connection.discard()
            raise
        return connection

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
            async with asyncio.timeout(settings.timeout_s) as deadline:
                reply = await self._converse(deadline)
            keep = True
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

    async def _converse(self, deadline: asyncio.Timeout) -> Reply:
        """The transaction, up to the first reply that decides."""
        connection, reply = await self._begin()
        if not reply.good:
            return reply
        reply = await connection.command(Stage.RCPT, b"RCPT", b"TO:" + _path(self.mail.recipient))
        if not reply.good:
            return reply
        reply = await connection.command(Stage.DATA, b"DATA")
        if reply.code != 354:
            return reply
        await connection.message(self.mail.content)
        deadline.reschedule(asyncio.get_running_loop().time() + self.transport.settings.after_dot_s)
        reply = await connection.final_dot()
        connection.unfinished = False
        return reply

    async def _begin(self) -> tuple[Connection, Reply]:
        """MAIL, on a connection that was kept if there is one. If that has died meanwhile, on a new one."""
        kept = self.transport._pool.take()
        if kept is not None:
            kept.talk = self.talk
            self.connection = kept
            self.talk.note("on an open connection")
            try:
                reply = await self._mail_command(kept)
            except Lost:
                pass
            else:
                if reply.code != 421:  # a provider's way of ending an old connection
                    return kept, reply
            kept.discard()
            self.connection = None
        self.talk.stage = Stage.CONNECT
        self.connection = await self.transport.open(self.talk)
        return self.connection, await self._mail_command(self.connection)

    async def _mail_command(self, connection: Connection) -> Reply:
        parameters = _mail_parameters(connection, self.mail)
        if connection.unfinished:
            reply = await connection.command(Stage.MAIL, b"RSET")
            if not reply.good:
                raise Lost("The provider did not reset the connection")
        connection.unfinished = True
        connection.mails += 1
        return await connection.command(Stage.MAIL, b"MAIL", b"FROM:" + _path(self.mail.sender), *parameters)

    def _judge(self, reply: Reply) -> Outcome:
        facts = self._circumstances(reply)
        if reply.good:
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
        address = f"{self.transport.settings.host}:{self.transport.settings.port}"
        return Unreachable(f"{text} from {address}.", **self._circumstances())

    def _circumstances(self, reply: Reply | None = None, *, enhanced: str | None = None) -> dict[str, Any]:
        settings = self.transport.settings
        return {
            "code": reply.code if reply else None,
            "enhanced": reply.enhanced if reply else enhanced,
            "host": f"{settings.host}:{settings.port}",
            "tls": self.connection.tls if self.connection else None,
            "duration_ms": round((time.monotonic() - self.started) * 1000),
            "stage": self.talk.stage,
            "dialogue": self.talk.kept(),
        }

    def _let_go(self, keep: bool) -> None:
        if self.connection is None:
            return
        if keep:
            self.transport._pool.put(self.connection)
        else:
            self.connection.discard()


def _mail_parameters(connection: Connection, mail: Mail) -> list[bytes]:
    """The parameters of MAIL, as far as the server offers them; NotSent where the mail needs what it lacks."""
    parameters = []
    size = connection.offers("size")
    if size is not None:
        limit = int(size) if size.isdigit() else 0  # 0: no fixed limit (RFC 1870)
        if limit and len(mail.content) > limit:
            connection.talk.stage = Stage.MAIL
            text = (
                f"The mail has {len(mail.content):,} bytes, and the provider takes {limit:,} at most. It was not sent."
            )
            raise NotSent(text, "5.3.4")
        parameters.append(b"SIZE=%d" % len(mail.content))
    # Without 8BITMIME the bytes are sent all the same: they must not be changed, and servers take them.
    if connection.offers("8bitmime") is not None and not mail.content.isascii():
        parameters.append(b"BODY=8BITMIME")
    if mail.smtputf8 or not (mail.sender.isascii() and mail.recipient.isascii()):
        if connection.offers("smtputf8") is None:
            connection.talk.stage = Stage.MAIL
            text = "The address has letters beyond ASCII, and the provider does not take those (no SMTPUTF8). Not sent."
            raise NotSent(text, "5.6.7")
        parameters.append(b"SMTPUTF8")
    return parameters


def _path(address: str) -> bytes:
    """The address in angle brackets. What could end the command or smuggle parameters into it is refused."""
    parts = take_apart(address)
    quoted = parts.local.startswith('"') and parts.local.endswith('"') and len(parts.local) > 1
    unquoted = parts.domain if quoted else address
    if _UNSAFE_IN_PATH.search(address) or _UNSAFE_UNQUOTED.search(unquoted):
        raise NotSent("The address contains characters that no mail command may carry. It was not sent.", "5.1.3")
    return b"<" + address.encode("utf-8", "surrogateescape") + b">"


def _with_ascii_domain(address: str) -> str:
    """The domain in ASCII, so that only a local part beyond ASCII asks for SMTPUTF8."""
    parts = take_apart(address)
    return f"{parts.local}@{ascii_domain(parts.domain)}" if parts.at and not parts.domain.isascii() else address
