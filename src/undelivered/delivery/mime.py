"""Writes the mail as sent: headers for one recipient around the common body (RFC 5322, 2045, 2047, 6532).

Written by hand, because rendering and MIME are where a sender's time goes: the standard library's EmailMessage takes
50 times as long. Every value passes `_line`, so that no header can be injected.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import cached_property, lru_cache
from html import escape
from itertools import groupby
from typing import Protocol
from uuid import UUID

from undelivered.delivery import address_parts, signing
from undelivered.delivery.personal import OPEN, Row, fill, unsubscribe, values
from undelivered.delivery.signing import Purpose

#: RFC 5322, section 2.1.1: no line is longer, without the line end.
LONGEST_LINE = 998
#: A longer word cannot be folded and is encoded, which can.
LONGEST_WORD = 900
#: Larger bodies are not kept for the recipients to come.
LARGEST_COMMON = 100_000
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FIELD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,70}")  # RFC 5322, 2.2, without the signs that nobody uses
_DOMAIN = re.compile(r"[A-Za-z0-9.-]+|\[[0-9A-Za-z.:]+\]")
_SPECIAL = re.compile(r"[^A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]")  # more than the atoms of RFC 5322, 3.2.3


class Written(Protocol):
    """What is read of a content."""

    @property
    def from_name(self) -> str: ...
    @property
    def from_address(self) -> str: ...
    @property
    def reply_to(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def headers(self) -> list[list[str]]: ...


def message_id(id: UUID, from_address: str) -> str:
    """The Message-ID of a notification: signed, so that a bounce that quotes it can be believed; the same at every try,
    so that a second copy is recognised as one."""
    return f"<{signing.token(Purpose.MESSAGE_ID, id)}@{_right_part(from_address)}>"


@lru_cache(maxsize=1024)
def _right_part(from_address: str) -> str:
    found = domain(from_address)
    return found if _DOMAIN.fullmatch(found) else "undelivered.invalid"


@lru_cache(maxsize=1024)
def domain(address: str) -> str:
    """The domain of an address in ASCII form and lower case."""
    return address_parts.ascii_domain(address.rpartition("@")[2])


def write(content: Written, row: Row, *, id: UUID, at: datetime, named: str = "") -> bytes:
    """The whole mail, with CRLF line ends. `at` is its Date, `named` its Message-ID where that is known already."""
    personal = OPEN in content.text or OPEN in content.subject or OPEN in content.html
    found = values(row) if personal else {}
    boundary = f"=_{id.hex}"
    headers = [
        ("From", _mailbox(content.from_name, content.from_address)),
        ("To", _mailbox(row.recipient_name, row.recipient)),
        *([("Reply-To", _mailbox("", content.reply_to))] if content.reply_to else []),
        ("Subject", _unstructured("Subject", fill(content.subject, found))),
        ("Date", _date(at.replace(microsecond=0))),
        ("Message-ID", named or message_id(id, content.from_address)),
        (signing.HEADER, signing.token(Purpose.HEADER, id)),
        *((_name(name), _unstructured(name, value)) for name, value in content.headers),
        *_unsubscribe(row, found),
        ("MIME-Version", "1.0"),
    ]
    text = _part("plain", content.text, found)
    if not content.html:
        return _head(headers) + text
    html = _part("html", content.html, found, escape)
    headers.append(("Content-Type", f'multipart/alternative; boundary="{boundary}"'))
    line = f"--{boundary}".encode("ascii")
    return b"\r\n".join([_head(headers), line, text, line, html, line + b"--", b""])


def _unsubscribe(row: Row, found: Mapping[str, str]) -> list[tuple[str, str]]:
    """The mail program's own button (RFC 2369); by one click where the address is secure (RFC 8058, 3.1)."""
    url = _line(unsubscribe(row, found))
    if not url:
        return []
    # On one line, whatever its length: some programs look for the address right behind the colon.
    one_click = [("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")] if url.startswith("https:") else []
    return [("List-Unsubscribe", f"<{url}>"), *one_click]


@lru_cache(maxsize=1024)
def _date(at: datetime) -> str:
    return format_datetime(at)


def needs_smtputf8(*addresses: str) -> bool:
    """Whether an address has characters that only RFC 6531 carries: in the local part; domains have an ASCII form."""
    return any(not address.rpartition("@")[0].isascii() for address in addresses)


def _head(headers: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8")


def _part(subtype: str, body: str, found: Mapping[str, str], escape: Callable[[str], str] = str) -> bytes:
    """One part with its headers, marks filled in."""
    if OPEN not in body:
        return _head_of(subtype, *_encoded(body))
    common = _common(body) if len(body) <= LARGEST_COMMON else _Common(body)
    return _head_of(subtype, *common.filled(found, escape))


def _encoded(body: str) -> tuple[bytes, bytes]:
    """7bit where that is possible, else quoted-printable, which people can still read; and the lines, joined by LF."""
    data = _lf(body).encode("utf-8", "replace")
    if _is_7bit(data):
        return b"7bit", data
    return b"quoted-printable", binascii.b2a_qp(data, istext=True)


def _head_of(subtype: str, encoding: bytes, lines: bytes) -> bytes:
    head = b'Content-Type: text/%s; charset="utf-8"\r\nContent-Transfer-Encoding: %s\r\n\r\n%s\r\n'
    return head % (subtype.encode("ascii"), encoding, b"\r\n".join(lines.split(b"\n")))


def _is_7bit(data: bytes) -> bool:
    return data.isascii() and b"\0" not in data and max(map(len, data.split(b"\n"))) <= LONGEST_LINE


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class _Common:
    """A body with marks: what it says to everybody is encoded once. Both encodings go line by line, so that only the
    lines with marks are left for each recipient."""

    def __init__(self, body: str) -> None:
        self.marked: list[str | None] = []  # by piece: a line with marks, or None for lines without
        self.plain: list[bytes] = []  # by piece: the lines without
        for is_marked, group in groupby(_lf(body).split("\n"), lambda line: OPEN in line):
            lines = list(group)
            self.marked += lines if is_marked else [None]
            self.plain += [b""] * len(lines) if is_marked else ["\n".join(lines).encode("utf-8", "replace")]
        self.is_7bit = all(map(_is_7bit, self.plain))

    @cached_property
    def quoted(self) -> list[bytes]:
        return [binascii.b2a_qp(lines, istext=True) for lines in self.plain]

    def filled(self, found: Mapping[str, str], escape: Callable[[str], str]) -> tuple[bytes, bytes]:
        """As `_encoded`."""
        own = [
            None if line is None else _lf(fill(line, found, escape)).encode("utf-8", "replace") for line in self.marked
        ]
        if self.is_7bit and all(_is_7bit(line) for line in own if line):
            pieces = [common if line is None else line for line, common in zip(own, self.plain, strict=True)]
            return b"7bit", b"\n".join(pieces)
        pieces = [
            common if line is None else binascii.b2a_qp(line, istext=True)
            for line, common in zip(own, self.quoted, strict=True)
        ]
        return b"quoted-printable", b"\n".join(pieces)


@lru_cache(maxsize=32)
def _common(body: str) -> _Common:
    return _Common(body)


def _line(value: str) -> str:
    """A value on one line, without control characters: the end of every header injection."""
    return value if value.isprintable() else _UNSAFE.sub(" ", value).strip()


def _name(name: str) -> str:
    if not _FIELD_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    return name


def _unstructured(name: str, value: str) -> str:
    """A value that is text: folded where it is long, encoded where it is not ASCII, or looks as if it were encoded."""
    value = _line(value)
    plain = value.isascii() and "=?" not in value and all(len(word) < LONGEST_WORD for word in value.split())
    if plain and len(name) + 2 + len(value) <= 76:
        return value
    return Header(value, None if plain else "utf-8", header_name=name, maxlinelen=76).encode(linesep="\r\n")


def _mailbox(name: str, address: str) -> str:
    """`name <address>`; a local part outside ASCII stays as it is (RFC 6532), a name is encoded (RFC 2047)."""
    name, address = " ".join(_line(name).split())[:200], ascii_domain(_line(address))
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>' if _SPECIAL.search(name) else f"{name} <{address}>"
    # An encoded word has 75 characters at most (RFC 2047, 2): a long name is several.
    encoded = Header(name, "utf-8", header_name="Reply-To", maxlinelen=76).encode(linesep="\r\n")
    return f"{encoded} <{address}>"


def ascii_domain(address: str) -> str:
    """The address with its domain in ASCII form (RFC 5891), as SMTP and DNS want it; unchanged if there is none."""
    local, at, domain = address.rpartition("@")
    return address if domain.isascii() else f"{local}{at}{address_parts.ascii_domain(domain)}"
