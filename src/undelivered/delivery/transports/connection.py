"""One SMTP connection: opened, encrypted and logged in; then commands, each with its reply, all written down.

aiosmtplib speaks the protocol. What it lacks is added here: knowing at which stage something happened, telling garbage
from replies, the dialogue, and a message whose final dot is a step of its own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
import time
from dataclasses import dataclass, field

import aiosmtplib
from aiosmtplib.protocol import normalize_message_line_endings

from undelivered.delivery.address_parts import ascii_domain
from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.provider_url import Security, SmtpSettings
from undelivered.delivery.transports.replies import NotSmtp, Reply, clean, read_reply, show_raw

CHUNK = 64 * 1024
LINES_KEPT = 60
LINE_LENGTH = 500


@dataclass(slots=True)
class Talk:
    """The dialogue of one attempt, and how far it has come."""

    stage: Stage = Stage.CONNECT
    lines: list[str] = field(default_factory=list)

    def we_say(self, text: str) -> None:
        self.lines.append(f"→ {text}"[:LINE_LENGTH])

    def they_say(self, text: str) -> None:
        self.lines.extend(line[:LINE_LENGTH] for line in text.split("\n"))

    def note(self, text: str) -> None:
        self.lines.append(f"({text})")

    def kept(self) -> tuple[str, ...]:
        return tuple(self.lines[:LINES_KEPT])


class Lost(Exception):
    """The connection is gone."""


class CannotOpen(Exception):
    """The provider could not be reached, or did not let us in."""

    def __init__(self, text: str, reply: Reply | None = None, *, our_fault: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.reply = reply
        self.our_fault = our_fault


class Connection:
    def __init__(self, settings: SmtpSettings, context: ssl.SSLContext, talk: Talk) -> None:
        self.settings = settings
        self.talk = talk
        self.tls: str | None = None
        self.mails = 0
        """Transactions begun here: many providers end a connection after a number of them."""
        self.unfinished = False
        """A transaction was begun and not ended: RSET comes first."""
        self.idle_since = time.monotonic()
        self._context = context
        self._client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=None,  # the attempt as a whole has a deadline
            local_hostname=settings.helo_name or "localhost",  # hello() knows better once connected
            use_tls=settings.security is Security.TLS,
            start_tls=False,  # done by hand below, to know the stage
            tls_context=context,
        )
        self._protocol: aiosmtplib.protocol.SMTPProtocol | None = None

    @property
    def usable(self) -> bool:
        return self._client.is_connected

    @property
    def garbage_waits(self) -> bool:
        """Bytes have come that are no reply, and no line end after them."""
        return bool(self._unread()) and not self._unread()[:3].isdigit()

    def unread_text(self) -> str:
        return show_raw(self._unread())

    def offers(self, extension: str) -> str | None:
        """The parameters of an extension that the server offers, possibly empty; None when it does not."""
        return self._client.esmtp_extensions.get(extension)

    async def open(self) -> None:
        """Everything up to the first MAIL. Raises CannotOpen, whatever happens."""
        try:
            await self._connect()
            await self._hello()
            await self._encrypt()
            await self._login()
        except aiosmtplib.SMTPResponseException as refusal:
            self._raise_refused(refusal)
        except NotSmtp as garbage:
            raise CannotOpen(f"What answers at {self._address()} does not speak SMTP: {garbage.shown}") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise CannotOpen(self._in_words(error)) from None

    async def command(self, stage: Stage, *words: bytes) -> Reply:
        """Say one command. Raises Lost or NotSmtp, after which the connection is of no more use."""
        self.talk.stage = stage
        self.talk.we_say(b" ".join(words).decode("utf-8", "replace"))
        try:
            reply = read_reply(await self._client.execute_command(*words))
        except NotSmtp as garbage:
            self.talk.they_say(garbage.shown)
            raise
        except aiosmtplib.SMTPResponseException:
            raise self._garbage() from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._lost(error) from None
        self.talk.they_say(reply.text)
        return reply

    async def message(self, content: bytes) -> None:
        """The mail itself, without its final dot. As long as that is not said, the mail is surely not delivered."""
        protocol = self._protocol
        assert protocol is not None
        self.talk.we_say(f"(the mail, {len(content)} bytes)")
        body = dot_stuffed(content)
        try:
            for start in range(0, len(body), CHUNK):
                protocol.write(body[start : start + CHUNK])
                await protocol._drain_helper()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._lost(error) from None

    async def final_dot(self) -> Reply:
        """From here on only the reply tells what became of the mail."""
        protocol = self._protocol
        assert protocol is not None
        self.talk.we_say(".")
        try:
            protocol.write(b".\r\n")
            self.talk.stage = Stage.AFTER_DOT
            reply = read_reply(await protocol.read_response())
        except NotSmtp as garbage:
            self.talk.they_say(garbage.shown)
            raise
        except aiosmtplib.SMTPResponseException:
            raise self._garbage() from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._lost(error) from None
        self.talk.they_say(reply.text)
        return reply

    def discard(self) -> None:
        self._client.close()

    def say_goodbye(self) -> None:
        """QUIT, without waiting for the answer."""
        if self._protocol is not None and self._protocol.is_connected:
            self._protocol.write(b"QUIT\r\n")
        self._client.close()

    async def _connect(self) -> None:
        self.talk.stage = Stage.CONNECT
        self.talk.note(f"connecting to {self._address()}")
        greeting = await self._client.connect()
        self._protocol = self._client.protocol
        self.talk.they_say(read_reply(greeting).text)
        self._note_tls()

    async def _hello(self) -> None:
        self.talk.stage = Stage.EHLO
        name = self._own_name()
        self.talk.we_say(f"EHLO {name}")
        try:
            response = await self._client.ehlo(hostname=name)
        except aiosmtplib.SMTPHeloError as refusal:
            if refusal.code < 500:
                raise
            self.talk.they_say(read_reply(aiosmtplib.SMTPResponse(refusal.code, refusal.message)).text)
            self.talk.we_say(f"HELO {name}")
            response = await self._client.helo(hostname=name)
        self.talk.they_say(read_reply(response).text)

    async def _encrypt(self) -> None:
        security = self.settings.security
        if security in (Security.NONE, Security.TLS):
            return
        if self.offers("starttls") is None:
            if security is Security.STARTTLS:
                self.talk.stage = Stage.STARTTLS
                raise CannotOpen("The provider offers no STARTTLS, and the settings demand it.", our_fault=True)
            return
        self.talk.stage = Stage.STARTTLS
        self.talk.we_say("STARTTLS")
        self.talk.they_say(read_reply(await self._client.starttls(tls_context=self._context)).text)
        self._note_tls()
        await self._hello()  # what was offered before is void now: RFC 3207, 4.2

    async def _login(self) -> None:
        settings = self.settings
        if not settings.username:
            return
        self.talk.stage = Stage.AUTH
        if self.tls is None and settings.security is not Security.NONE and not _is_loopback(settings.host):
            raise CannotOpen("The provider offers no encryption; the password is not sent in clear.", our_fault=True)
        if self.offers("auth") is None or not self._client.supported_auth_methods:
            raise CannotOpen("The provider offers no way to log in that we know (PLAIN, LOGIN).", our_fault=True)
        self.talk.we_say("AUTH (user name and password not shown)")
        response = await self._client.login(settings.username, settings.password)
        self.talk.they_say(read_reply(response).text)

    def _raise_refused(self, refusal: aiosmtplib.SMTPResponseException) -> None:
        """The server answered, but not with what was needed to go on."""
        if refusal.code < 200:
            raw = refusal.message.removeprefix("Malformed SMTP response line: ")
            raise CannotOpen(f"What answers at {self._address()} does not speak SMTP: {show_raw(raw)}")
        reply = read_reply(aiosmtplib.SMTPResponse(refusal.code, refusal.message))
        self.talk.they_say(reply.text)
        raise CannotOpen(reply.text, reply, our_fault=self.talk.stage is Stage.AUTH and reply.code >= 500)

    def _unread(self) -> bytes:
        return bytes(self._protocol._buffer) if self._protocol else b""

    def _garbage(self) -> NotSmtp:
        """What the library could not read is still in its buffer."""
        garbage = NotSmtp(self._unread() or b"(no text)")
        self.talk.they_say(garbage.shown)
        return garbage

    def _lost(self, error: Exception) -> Exception:
        """Lost, unless bytes came before the end that are no reply."""
        if self.garbage_waits:
            return self._garbage()
        self.talk.note("the connection was lost")
        return Lost("The connection was lost")

    def _own_name(self) -> str:
        """Our fully qualified name, or our address as a literal (RFC 5321, 4.1.3)."""
        name = ascii_domain(self.settings.helo_name or socket.gethostname())
        if "." in name:
            return name
        own = ipaddress.ip_address(str(self._client.get_transport_info("sockname")[0]).partition("%")[0])
        return f"[IPv6:{own}]" if own.version == 6 else f"[{own}]"

    def _note_tls(self) -> None:
        cipher = self._client.get_transport_info("cipher")
        if cipher:
            self.tls = f"{cipher[1]} {cipher[0]}"
            self.talk.note(f"encrypted: {self.tls}")

    def _in_words(self, error: Exception) -> str:
        cause = error.__cause__ or error
        if isinstance(cause, ssl.SSLError):
            why = getattr(cause, "verify_message", "") or cause.reason or str(cause)
            return f"No encrypted connection to {self._address()}: {clean(str(why))}"
        if isinstance(cause, OSError) and cause.errno:
            why = os.strerror(cause.errno) if cause.errno > 0 else cause.strerror
        else:
            why = str(cause)
        what = "Could not connect to" if self.talk.stage is Stage.CONNECT else "No session with"
        return f"{what} {self._address()}: {clean(str(why))}"

    def _address(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"


def dot_stuffed(content: bytes) -> bytes:
    """The mail as it travels: lines end in CRLF and in nothing else, and a leading dot is doubled (RFC 5321, 4.5.2)."""
    lines = content.count(b"\r\n")
    if content.count(b"\n") != lines or content.count(b"\r") != lines or not content.endswith(b"\r\n"):
        content = normalize_message_line_endings(content)
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
