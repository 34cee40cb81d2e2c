"""The commands that name a mail's sender and recipient, and what we refuse to say ourselves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from undelivered.delivery.address_parts import ascii_domain, take_apart
from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports.connection import Connection
from undelivered.delivery.transports.content import canonical

_SIMPLE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x1f\x7f]")
_UNSAFE_UNQUOTED = re.compile(r"[\s<>]")


@dataclass(frozen=True, slots=True)
class Mail:
    """One transaction's worth. Lines of `content` end in CRLF, domains are ASCII."""

    sender: str
    recipient: str
    content: bytes
    smtputf8: bool

    @classmethod
    def of(cls, sender: str, recipient: str, message: bytes, smtputf8: bool) -> Mail:
        return cls(_with_ascii_domain(sender), _with_ascii_domain(recipient), canonical(message), smtputf8)


class NotSent(Exception):
    """We refuse it ourselves: the provider has said beforehand that it would."""

    def __init__(self, text: str, enhanced: str) -> None:
        super().__init__(text)
        self.text = text
        self.enhanced = enhanced


def commands(connection: Connection, mail: Mail) -> tuple[bytes, bytes]:
    """MAIL and RCPT. Raises NotSent where the mail needs what the server lacks, or an address is none."""
    connection.talk.stage = Stage.MAIL
    parameters = _parameters(connection, mail)
    return b"MAIL FROM:" + _path(mail.sender) + parameters, b"RCPT TO:" + _path(mail.recipient)


def _parameters(connection: Connection, mail: Mail) -> bytes:
    parameters = b""
    size = connection.offers("size")
    if size is not None:
        limit = int(size) if size.isdecimal() and len(size) < 20 else 0  # 0: no fixed limit (RFC 1870)
        if limit and len(mail.content) > limit:
            raise NotSent(
                f"The mail has {len(mail.content):,} bytes, and the provider takes {limit:,} at most. It was not sent.",
                "5.3.4",
            )
        parameters += b" SIZE=%d" % len(mail.content)
    # Without 8BITMIME the bytes are sent all the same: they must not be changed, and servers take them.
    if not mail.content.isascii() and connection.offers("8bitmime") is not None:
        parameters += b" BODY=8BITMIME"
    if mail.smtputf8 or not (mail.sender.isascii() and mail.recipient.isascii()):
        if connection.offers("smtputf8") is None:
            text = "The address has letters beyond ASCII, and the provider does not take those (no SMTPUTF8). Not sent."
            raise NotSent(text, "5.6.7")
        parameters += b" SMTPUTF8"
    return parameters


def _path(address: str) -> bytes:
    """The address in angle brackets. What could end the command or smuggle parameters into it is refused."""
    if not _SIMPLE.fullmatch(address):
        parts = take_apart(address)
        quoted = parts.local.startswith('"') and parts.local.endswith('"') and len(parts.local) > 1
        unquoted = parts.domain if quoted else address
        if _UNSAFE_IN_PATH.search(address) or _UNSAFE_UNQUOTED.search(unquoted):
            raise NotSent("The address contains characters that no mail command may carry. It was not sent.", "5.1.3")
    return b"<" + address.encode("utf-8", "surrogateescape") + b">"


def _with_ascii_domain(address: str) -> str:
    """The domain in ASCII, so that only a local part beyond ASCII asks for SMTPUTF8."""
    if address.isascii():
        return address
    parts = take_apart(address)
    return f"{parts.local}@{ascii_domain(parts.domain)}" if parts.at and not parts.domain.isascii() else address
