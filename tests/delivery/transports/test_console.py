"""The transport that only shows a mail."""

from __future__ import annotations

import asyncio
import io

from tests.delivery.transports.scripted import MAIL, SENDER
from undelivered.delivery.outcomes import Accepted
from undelivered.delivery.transports.console import ConsoleTransport


def test_the_console_shows_the_mail_and_accepts_it() -> None:
    stream = io.StringIO()
    outcome = asyncio.run(ConsoleTransport(stream).send(SENDER, "ann@shop.example", MAIL))
    assert isinstance(outcome, Accepted)
    assert "Subject: [IT-12] Printer\n" in stream.getvalue()
