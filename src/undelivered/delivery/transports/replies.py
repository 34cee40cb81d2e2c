"""Replies of an SMTP server: what is one, how it is written down, and the enhanced status code inside."""

from __future__ import annotations

import re
from dataclasses import dataclass

from undelivered.delivery.outcomes import REPLY_LIMIT

REPLY_BYTES = 32 * 1024
"""No reply is longer. RFC 5321 (4.5.3.1.5) allows 512 octets a line and sets no limit to the lines."""

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


class ReplyReader:
    """Bytes in, in whatever pieces they come; replies out. After the first bytes that are none, there are no more."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []  # of a reply whose last line has not come
        self._size = 0  # theirs
        self._rest = b""  # of a line that has not ended
        self._garbage: bytes | None = None

    def feed(self, data: bytes) -> list[Reply]:
        if self._garbage is not None:
            self._garbage = (self._garbage + data)[:REPLY_BYTES]
            return []
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        found: list[Reply] = []
        for number, line in enumerate(lines):
            said = line.rstrip()
            separator = said[3:4]
            # RFC 5321, 4.2: three digits, the first of them 2 to 5, and a hyphen on all lines but the last
            if not (said[:3].isdigit() and len(said) >= 3 and b"2" <= said[:1] <= b"5" and separator in b" -"):
                self._give_up([*lines[number:], self._rest])
                return found
            self._lines.append(said)
            if separator == b"-":
                self._size += len(said)
            else:
                found.append(Reply(int(said[:3]), _text(self._lines)))
                self._lines, self._size = [], 0
        if self._size + len(self._rest) > REPLY_BYTES:
            self._give_up([self._rest])
        return found

    @property
    def unread(self) -> bytes:
        """What has come and is no reply, or not yet."""
        return self._garbage if self._garbage is not None else b"\n".join([*self._lines, self._rest])

    @property
    def broken(self) -> bool:
        """No reply will come any more: what came last is none."""
        return self._garbage is not None

    @property
    def hopeless(self) -> bool:
        """Broken, or going to be: what has come of the next line cannot become one of a reply."""
        return self.broken or (bool(self._rest) and not self._rest[:3].isdigit())

    def _give_up(self, rest: list[bytes]) -> None:
        self._garbage = b"\n".join([*self._lines, *rest])[:REPLY_BYTES] or b"(no text)"


def _text(lines: list[bytes]) -> str:
    if len(lines) == 1 and (text := lines[0].decode("utf-8", "replace")).isprintable():
        return text[:REPLY_LIMIT]
    return clean(b"\n".join(lines).decode("utf-8", "replace"))


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
