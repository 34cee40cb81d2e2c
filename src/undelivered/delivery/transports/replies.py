"""Replies of an SMTP server: what is one, how it is written down, and the enhanced status code inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiosmtplib import SMTPResponse

from undelivered.delivery.outcomes import REPLY_LIMIT

_ENHANCED = re.compile(r"^\d{3}[ -]([245])(\.\d{1,3}\.\d{1,3})(?!\d)", re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with its lines as they were said, code in front."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        return 200 <= self.code < 300

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 2034). Some servers mix them up: one of the reply's own class is preferred."""
        found = [f"{m[1]}{m[2]}" for m in _ENHANCED.finditer(self.text)]
        return next((code for code in found if code[0] == str(self.code)[0]), found[0] if found else None)


class NotSmtp(Exception):
    """What came is no SMTP reply."""

    def __init__(self, raw: bytes | str) -> None:
        super().__init__(raw)
        self.shown = show_raw(raw)


def read_reply(response: SMTPResponse) -> Reply:
    """The library's response as it was said. It takes any number for a code; RFC 5321 (4.2) knows 2yz to 5yz."""
    lines = response.message.split("\n")
    if not 200 <= response.code <= 599:
        raise NotSmtp("\n".join([f"{response.code} {lines[0]}", *lines[1:]]))
    said = [f"{response.code}-{line}" for line in lines[:-1]] + [f"{response.code} {lines[-1]}"]
    return Reply(response.code, clean("\n".join(line.rstrip() for line in said)))


def clean(text: str) -> str:
    """Text that can be stored and shown: valid Unicode, no control characters, not too long."""
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return _CONTROL.sub("\ufffd", valid)[:REPLY_LIMIT]


def show_raw(raw: bytes | str) -> str:
    """Bytes that are no reply, with everything unprintable escaped."""
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    lines = text.replace("\r\n", "\n").strip("\n").split("\n")
    shown = ("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line) for line in lines)
    return clean("\n".join(shown))
