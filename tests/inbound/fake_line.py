"""A line without a socket: it remembers what was said to it, and does what a test decides."""

from __future__ import annotations

import base64

from undelivered.inbound import ours
from undelivered.inbound.access import Grant
from undelivered.inbound.conversation import Conversation
from undelivered.inbound.envelope import Envelope, Terms
from undelivered.inbound.ours import Ours
from undelivered.inbound.replies import Reply

GRANT = Grant(1, ("it.example",), "it-1", credential_id=7)
QUEUED = Reply(250, "2.0.0 Ok: queued as 1")
MAIL = b"From: it@it.example\r\nSubject: Hi\r\n\r\nHello\r\n"


class FakeLine:
    """`said` is every reply line, `mails` what was submitted. What is waited for is given by the test, or at once."""

    def __init__(self, *, tls: bool = False, auth: bool = True, at_once: bool = True) -> None:
        self.peer = "192.0.2.1"
        self.encrypted = False
        self.tls, self.auth, self.at_once = tls, auth, at_once
        self.no_room = False
        self.closed = self.is_quiet = False
        self.out: list[bytes] = []
        self.mails: list[Envelope] = []
        self.logins: list[tuple[str, str]] = []
        self.tls_started = 0

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.out.append(data)

    def close(self) -> None:
        self.closed = True

    def quiet(self, on: bool) -> None:
        self.is_quiet = on

    def offers_tls(self) -> bool:
        return self.tls

    def may_log_in(self) -> bool:
        return self.auth

    def start_tls(self) -> None:
        self.tls_started += 1

    def full(self) -> bool:
        return self.no_room

    def log_in(self, user: str, password: str) -> None:
        self.logins.append((user, password))

    def ours(self, address: str) -> Ours | Reply | None:
        return ours.look(address, {"bounces.example"})

    def submit(self, envelope: Envelope) -> Reply | None:
        self.mails.append(envelope)
        return QUEUED if self.at_once else None

    @property
    def said(self) -> list[str]:
        return b"".join(self.out).decode().split("\r\n")[:-1]

    @property
    def codes(self) -> list[int]:
        return [int(line[:3]) for line in self.said if line[3:4] == " "]


def talk(line: FakeLine | None = None, *, trusted: bool = True, **terms: int) -> tuple[Conversation, FakeLine]:
    """A conversation that was greeted, of a client whose address is trusted."""
    line = line or FakeLine()
    conversation = Conversation(line, Terms(name="door.example", **terms), (GRANT,) if trusted else ())
    conversation.open()
    line.out.clear()
    return conversation, line


def submission(*recipients: str, mail: bytes = MAIL, stuffed: bool = False) -> bytes:
    """All that a pipelining client sends for one mail."""
    lines = [b"MAIL FROM:<it@it.example>", *(b"RCPT TO:<%s>" % to.encode() for to in recipients or ("a@b.example",))]
    body = mail if stuffed else mail.replace(b"\r\n.", b"\r\n..")
    return b"\r\n".join([*lines, b"DATA", b""]) + body + b".\r\n"


def base64_of(*parts: str) -> bytes:
    return base64.b64encode("\0".join(parts).encode())
