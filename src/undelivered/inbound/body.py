"""The mail after DATA: found in the stream by its one true end, with dots taken back, within limits.

Only CRLF dot CRLF ends a mail. A lone dot between other line ends is how one mail is smuggled inside another past
servers that disagree about line ends (CVE-2023-51764 and its kin): a mail that has one is refused as a whole, unless
its way ends here, as that of a mail that came back. Bare line ends elsewhere are let pass: the transport makes them
CRLF when the mail leaves.
"""

from __future__ import annotations

import re
from enum import Enum

from undelivered.delivery.relayed import HEAD_LIMIT, head_end

END = b"\r\n.\r\n"
#: A line that holds one dot, with a bare line end before or after it, in a mail whose dots were taken back: there, one
#: between strict line ends is an honest line.
_LOOSE_WITHIN = re.compile(rb"(?<!\r)\n\.[\r\n]|\r\.[\r\n]|\n\.\n|\n\.\r(?!\n)")
#: Of a mail that is too large so much is read and thrown away, as a multiple of the limit; then the connection ends.
EXCESS = 4


class Fault(Enum):
    """Why a mail cannot be taken."""

    TOO_BIG = "too big"  # more bytes than the limit
    ENDLESS_HEADERS = "endless headers"  # no end of the headers within half a megabyte
    LOOSE_DOT = "loose dot"  # could be read as two mails by the next server
    EXCESSIVE = "excessive"  # so far beyond the limit that its end is not waited for


class Body:
    """Fed with what comes until `feed` returns what came after the end; then `content` or `fault` is set."""

    __slots__ = ("_buffer", "_dropped", "_looked", "content", "fault", "goes_on", "limit")

    def __init__(self, limit: int, *, goes_on: bool = True) -> None:
        self.limit, self.goes_on = limit, goes_on
        self.content = b""
        self.fault: Fault | None = None
        # DATA itself ended a line: a mail may begin with the dot that ends it, or with a doubled one.
        self._buffer = bytearray(b"\r\n")
        self._dropped = 0
        self._looked = False

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return len(self._buffer)

    def feed(self, data: bytes) -> bytes | None:
        """What came after the end; None as long as it has not come."""
        searched = max(0, len(self._buffer) - len(END) + 1)
        self._buffer += data
        at = self._buffer.find(END, searched)
        if at < 0:
            self._keep_within_limits()
            return b"" if self.fault is Fault.EXCESSIVE else None
        rest = bytes(memoryview(self._buffer)[at + len(END) :])
        if self.fault is None:
            self._finish(bytes(memoryview(self._buffer)[: at + 2]))
        self._buffer = bytearray()
        return rest

    def _keep_within_limits(self) -> None:
        size = len(self._buffer)
        if self.fault is None and size > HEAD_LIMIT and not self._looked:
            self._looked = True
            if head_end(self._buffer) < 0:
                self.fault = Fault.ENDLESS_HEADERS
        if self.fault is None and size > self.limit + self.limit // 16 + len(END):  # doubled dots do not count
            self.fault = Fault.TOO_BIG
        if self.fault is not None:
            self._dropped += size
            del self._buffer[: -len(END) + 1]
            if self._dropped > EXCESS * self.limit:
                self.fault = Fault.EXCESSIVE

    def _finish(self, stuffed: bytes) -> None:
        """`stuffed` is the mail as it travelled, after one CRLF that is not its own.

        In there, a line with one dot is loose in any case: between strict line ends it would have been the end.
        """
        loose = b"\n.\n" in stuffed or b"\n.\r" in stuffed or b"\r.\r" in stuffed or b"\r.\n" in stuffed
        plain = stuffed
        if b"\r\n." in stuffed:
            plain = stuffed.replace(b"\r\n.", b"\r\n")
            loose = loose or _LOOSE_WITHIN.search(plain) is not None
        if loose and self.goes_on:
            self.fault = Fault.LOOSE_DOT
        elif len(plain) - 2 > self.limit:
            self.fault = Fault.TOO_BIG
        elif len(plain) > HEAD_LIMIT and not self._looked and head_end(plain) < 0:  # it came all at once
            self.fault = Fault.ENDLESS_HEADERS
        else:
            self.content = plain[2:]
