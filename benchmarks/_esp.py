"""The other side of the benchmark of email services: hands mails to a loopback API, by our transport or by Anymail."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import django
import uvloop

from benchmarks._helper import serve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "undelivered.settings")
django.setup()

from datetime import UTC, datetime  # noqa: E402

from anymail.backends.postmark import EmailBackend  # noqa: E402
from django.core.mail import EmailMultiAlternatives  # noqa: E402

from undelivered.delivery import mime, signing  # noqa: E402
from undelivered.delivery.outcomes import Accepted  # noqa: E402
from undelivered.delivery.signing import Purpose  # noqa: E402
from undelivered.delivery.transports.esp import EspTransport  # noqa: E402
from undelivered.delivery.transports.esp_url import parse_esp_url  # noqa: E402

RECIPIENT = "ann@customer.example"
TEXT = "The printer on the second floor works again, said the one who mended it: Grüße.\n" * 24
HTML = "<p>The printer on the second floor works again, said the one who mended it: Grüße.</p>\n" * 20


class Content:
    from_name, from_address, reply_to, subject = "Grüße", "desk@example.com", "", "[IT-12] Printer"
    text, html, headers = TEXT, HTML, [["References", "<it-12@desk.example.com>"]]


class Row:
    project_id, request_id, customer_id, recipient, recipient_name = 1, None, None, RECIPIENT, "Ann"
    kind, event = "request", "comment_added"
    personal: dict[str, Any] = {}


def timed(begun: float, n: int) -> dict[str, Any]:
    return {"rate": n / (time.perf_counter() - begun)}


def ours(port: int, n: int, at_once: int) -> dict[str, Any]:
    """As a worker does: written by `mime`, handed over by so many lanes."""

    async def run() -> dict[str, Any]:
        transport = EspTransport(
            parse_esp_url(f"esp://:t@postmark?api_url=http://127.0.0.1:{port}/&connections={at_once}")
        )

        async def lane(left: Iterator[int]) -> None:
            for _ in left:
                id = uuid4()
                message = mime.write(Content, Row(), id=id, at=datetime.now(UTC))
                outcome = await transport.send("b@example.com", RECIPIENT, message, own=id)
                assert isinstance(outcome, Accepted), outcome

        await asyncio.gather(*(lane(iter(range(2))) for _ in range(at_once)))
        begun, left = time.perf_counter(), iter(range(n))
        await asyncio.gather(*(lane(left) for _ in range(at_once)))
        found = timed(begun, n)
        await transport.close()
        return found

    return uvloop.run(run())


def theirs(port: int, n: int, at_once: int) -> dict[str, Any]:
    """As its guide says: a message, a backend whose connection is kept, one for each thread of a pool."""
    local = threading.local()

    def send(_: int) -> None:
        if not hasattr(local, "backend"):
            local.backend = EmailBackend(server_token="t", api_url=f"http://127.0.0.1:{port}/")
            local.backend.open()
        id = uuid4()
        token = signing.token(Purpose.METADATA, id)
        headers = {"Message-ID": f"<{id}@example.com>", "References": "<it-12@desk.example.com>"}
        mail = EmailMultiAlternatives(
            "[IT-12] Printer", TEXT, '"Grüße" <desk@example.com>', [f"Ann <{RECIPIENT}>"], headers=headers
        )
        mail.attach_alternative(HTML, "text/html")
        mail.metadata = {"undelivered_id": token}  # type: ignore[attr-defined]
        assert local.backend.send_messages([mail]) == 1

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(send, range(2 * at_once)))
        begun = time.perf_counter()
        list(pool.map(send, range(n)))
        return timed(begun, n)


if __name__ == "__main__":
    serve({"ours": ours, "theirs": theirs})
