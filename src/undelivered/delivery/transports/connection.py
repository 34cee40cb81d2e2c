"""One SMTP connection: opened, encrypted and logged in; then commands and replies, all written down."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable

from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.content import dot_stuffed
from undelivered.delivery.transports.login import Exchange, wanted
from undelivered.delivery.transports.oauth import NoToken, Tokens
from undelivered.delivery.transports.oauth_url import is_loopback
from undelivered.delivery.transports.provider_url import Security, SmtpSettings
from undelivered.delivery.transports.replies import NotSmtp, Reply, clean, show_raw
from undelivered.delivery.transports.talk import Talk
from undelivered.delivery.transports.wire import Lost, Wire

CHUNK = 64 * 1024
CHALLENGES = 6
"""No way to log in has more; each is answered."""
NOT_THAT_WAY = frozenset((500, 501, 502, 504, 534))
"""Refusals of a way to log in, not of who does (RFC 4954, 6)."""


class CannotOpen(Exception):
    """The provider could not be reached, or did not let us in."""

    def __init__(self, text: str, reply: Reply | None = None, *, our_fault: bool = False, stale: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.reply = reply
        self.our_fault = our_fault
        self.stale = stale
        """A token that was good before is refused: a fresh one may be taken."""


class Connection:
    def __init__(
        self, settings: SmtpSettings, context: ssl.SSLContext | None, talk: Talk, tokens: Tokens | None = None
    ) -> None:
        self.settings = settings
        self.talk = talk
        self.tls: str | None = None
        self.mails = 0
        """Transactions begun here: many providers end a connection after a number of them."""
        self.unfinished = False
        """A transaction was begun and not ended: RSET comes first."""
        self.idle_since = time.monotonic()
        self._context = context
        self._tokens = tokens
        self._wire: Wire | None = None
        self._extensions: dict[str, str] = {}
        self._tail: bytes | memoryview = b""

    @property
    def usable(self) -> bool:
        return self._wire is not None and self._wire.quiet

    @property
    def wire(self) -> Wire:
        assert self._wire is not None
        return self._wire

    @property
    def garbage_waits(self) -> bool:
        """Bytes have come that are no reply, and no line end after them."""
        return self._wire is not None and self._wire.garbage is not None

    def unread_text(self) -> str:
        return show_raw(self.wire.garbage or b"")

    def offers(self, extension: str) -> str | None:
        """The parameters of an extension that the server offers, possibly empty; None when it does not."""
        return self._extensions.get(extension)

    # --- opening ------------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Everything up to the first MAIL. Raises CannotOpen, whatever happens."""
        try:
            await self._connect()
            await self._hello()
            await self._encrypt()
            await self._login()
        except NotSmtp as garbage:
            raise CannotOpen(f"What answers at {self._address()} does not speak SMTP: {garbage.shown}") from None
        except NoToken as none:
            raise CannotOpen(none.text, our_fault=none.our_fault) from None
        except (Lost, OSError, ValueError) as error:
            raise CannotOpen(self._in_words(error)) from None

    async def _connect(self) -> None:
        self.talk.stage = Stage.CONNECT
        self.talk.note(f"connecting to {self._address()}")
        context = self._context if self.settings.security is Security.TLS else None
        settings = self.settings
        self._wire = await Wire.connect(settings.host, settings.port, context, public_only=settings.public_only)
        self._note_tls()
        self._need(await self.hear(Stage.CONNECT))

    async def _hello(self) -> None:
        name = self._own_name()
        reply = await self.command(Stage.EHLO, f"EHLO {name}".encode())
        self._extensions = _extensions(reply) if reply.good else {}
        if reply.code >= 500:
            reply = await self.command(Stage.EHLO, f"HELO {name}".encode())
        self._need(reply)

    async def _encrypt(self) -> None:
        security = self.settings.security
        if security in (Security.NONE, Security.TLS):
            return
        if self.offers("starttls") is None:
            if security is Security.STARTTLS:
                self.talk.stage = Stage.STARTTLS
                raise CannotOpen("The provider offers no STARTTLS, and the settings demand it.", our_fault=True)
            return
        self._need(await self.command(Stage.STARTTLS, b"STARTTLS"))
        if not self.wire.quiet:  # somebody in between could have put it there, to be taken for what was encrypted
            raise CannotOpen("The provider went on in clear after STARTTLS; nothing of it was believed.")
        assert self._context is not None
        await self.wire.encrypt(self._context, self.settings.host)
        self._note_tls()
        await self._hello()  # what was offered before is void now: RFC 3207, 4.2

    async def _login(self) -> None:
        settings = self.settings
        if not settings.username:
            return
        self.talk.stage = Stage.AUTH
        if self.tls is None and settings.security is not Security.NONE and not is_loopback(settings.host):
            raise CannotOpen("The provider offers no encryption; the password is not sent in clear.", our_fault=True)
        offered = (self.offers("auth") or "").upper().split()
        ways = wanted(offered, token=self._tokens is not None, encrypted=self.tls is not None)
        if not ways:
            known = "XOAUTH2" if self._tokens else "PLAIN, LOGIN, CRAM-MD5"
            raise CannotOpen(f"The provider offers no way to log in that we know ({known}).", our_fault=True)
        secret, fresh = await self._tokens.get() if self._tokens else (settings.password, True)
        for way in ways:
            reply = await self._authenticate(Exchange(way, settings.username, secret))
            if reply.code not in NOT_THAT_WAY:
                break
        if self._tokens and not reply.good:
            self._tokens.forget(secret)
        if not reply.good:
            raise CannotOpen(reply.text, reply, our_fault=reply.code >= 500, stale=not fresh)

    async def _authenticate(self, exchange: Exchange) -> Reply:
        self.talk.we_say("AUTH (user name and password not shown)")
        self.wire.write(exchange.begin() + b"\r\n")
        reply = await self.wire.reply()
        for _ in range(CHALLENGES):
            if reply.code != 334:
                break
            self.wire.write(exchange.answer(reply) + b"\r\n")
            reply = await self.wire.reply()
        self.talk.they_say(reply.text)
        return reply

    def _need(self, reply: Reply) -> None:
        if not reply.good:
            raise CannotOpen(reply.text, reply)

    # --- commands and replies -----------------------------------------------------------------------------------------

    async def command(self, stage: Stage, command: bytes) -> Reply:
        """Say one command. Raises Lost or NotSmtp, after which the connection is of no more use."""
        self.say(stage, command)
        return await self.hear(stage)

    def say(self, stage: Stage, *commands: bytes) -> None:
        """Say commands in one go. Every reply is to be heard."""
        self.talk.stage = stage
        self._written(self.words(*commands))

    def words(self, *commands: bytes) -> bytes:
        """The commands as they are said, which the dialogue notes."""
        for command in commands:
            self.talk.we_say(command.decode("utf-8", "replace"))
        return b"\r\n".join(commands) + b"\r\n"

    async def hear(self, stage: Stage) -> Reply:
        self.talk.stage = stage
        try:
            reply = await self.wire.reply()
        except NotSmtp as garbage:
            self.talk.they_say(garbage.shown)
            raise
        except Lost:
            self.talk.note("the connection was lost")
            raise
        self.talk.they_say(reply.text)
        return reply

    @property
    def speaks(self) -> bool:
        """Something has come that was not heard."""
        return self.wire.speaks

    # --- the mail -----------------------------------------------------------------------------------------------------

    async def message(self, content: bytes, progressed: Callable[[], None]) -> Reply | None:
        """The mail itself, but for its end, which goes with the final dot. As long as that is not said, the mail is
        surely not delivered. A reply is one that came too early: nothing can follow it here.

        `progressed` is called whenever a piece has left.
        """
        self.talk.we_say(f"(the mail, {len(content)} bytes)")
        body = dot_stuffed(content)
        self._tail = body
        if len(body) > CHUNK:
            view = memoryview(body)
            for start in range(0, len(body), CHUNK):
                self._tail = view[start:]
                if self.speaks or len(self._tail) <= CHUNK:
                    break
                self._written(self._tail[:CHUNK])
                await self.wire.room()
                progressed()
        if self.speaks:
            reply = await self.hear(Stage.DATA)
            self.discard()
            return reply
        return None

    async def final_dot(self, behind: bytes = b"") -> Reply:
        """From here on only the reply tells what became of the mail. `behind` begins the next one."""
        self.talk.we_say(".")
        self._written(b"".join((self._tail, b".\r\n", behind)))
        self._tail = b""
        return await self.hear(Stage.AFTER_DOT)

    # --- the end ------------------------------------------------------------------------------------------------------

    def discard(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    def say_goodbye(self) -> None:
        """QUIT, without waiting for the answer."""
        if self._wire is not None:
            if self._wire.quiet:
                self._wire.write(b"QUIT\r\n")
            self._wire.close()

    async def gone(self) -> None:
        if self._wire is not None:
            await self._wire.gone

    # --- words --------------------------------------------------------------------------------------------------------

    def _written(self, data: bytes | memoryview) -> None:
        try:
            self.wire.write(data)
        except Lost:
            self.talk.note("the connection was lost")
            raise

    def _own_name(self) -> str:
        """Our fully qualified name, or our address as a literal (RFC 5321, 4.1.3)."""
        name = ascii_domain(self.settings.helo_name or socket.gethostname())
        if "." in name:
            return name
        own = ipaddress.ip_address(str(self.wire.info("sockname")[0]).partition("%")[0])
        return f"[IPv6:{own}]" if own.version == 6 else f"[{own}]"

    def _note_tls(self) -> None:
        cipher = self.wire.info("cipher")
        if cipher:
            self.tls = f"{cipher[1]} {cipher[0]}"
            self.talk.note(f"encrypted: {self.tls}")

    def _in_words(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError):
            why = getattr(error, "verify_message", "") or error.reason or str(error)
            return f"No encrypted connection to {self._address()}: {clean(str(why))}"
        if isinstance(error, OSError) and error.errno:
            why = os.strerror(error.errno) if error.errno > 0 else error.strerror
        else:
            why = str(error) or type(error).__name__
        what = "Could not connect to" if self.talk.stage is Stage.CONNECT else "No session with"
        return f"{what} {self._address()}: {clean(str(why))}"

    def _address(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"


def _extensions(reply: Reply) -> dict[str, str]:
    """What an EHLO reply offers, by keyword in small letters. `AUTH=LOGIN` is how some old servers spell it."""
    offered: dict[str, str] = {}
    for line in reply.text.split("\n")[1:]:
        keyword, _, parameters = line[4:].partition(" ")
        if keyword.upper().startswith("AUTH="):
            keyword, parameters = "auth", f"{keyword[5:]} {parameters}"
        keyword = keyword.lower()
        offered[keyword] = (
            f"{offered[keyword]} {parameters}" if keyword == "auth" and keyword in offered else parameters
        )
    return offered
