"""A transport for trying things out: every mail is written to a stream, and counts as accepted."""

from __future__ import annotations

import sys
from typing import TextIO
from uuid import UUID

from undelivered.delivery.outcomes import Accepted, Outcome, Stage
from undelivered.delivery.transports import Lane


class ConsoleTransport:
    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    async def send(
        self,
        envelope_from: str,
        recipient: str,
        message: bytes,
        *,
        smtputf8: bool = False,
        own: UUID | None = None,
        lane: Lane | None = None,
    ) -> Outcome:
        text = message.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        self._stream.write(f"--- from <{envelope_from}> to <{recipient}>\n{text}\n---\n")
        self._stream.flush()
        return Accepted("250 2.0.0 Written to the console", code=250, enhanced="2.0.0", stage=Stage.AFTER_DOT)

    async def close(self) -> None:
        """Nothing is open."""
