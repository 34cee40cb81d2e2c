"""Anymail's backend of an ESP, and the ways to carry what it writes.

Nearly all of them speak HTTP by `requests`. Of those the backend writes the request and reads the answer, and our own
connections carry both (`esp_http`). What talks by itself, as boto3 does for Amazon SES, does so in a few threads.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import urlsplit

from anymail.backends.base_requests import AnymailRequestsBackend

from undelivered.delivery.outcomes import Stage
from undelivered.delivery.transports import esp_aws
from undelivered.delivery.transports.esp_http import Client, Request, Trip
from undelivered.delivery.transports.esp_mail import OwnMail
from undelivered.delivery.transports.esp_url import EspSettings

#: Services that carry out a request with the same Idempotency-Key once.
IDEMPOTENT = frozenset({"resend"})


class Carrier(Protocol):
    """Hands a mail to the service; `mail.anymail_status` then tells what became of it. Raises Anymail's, and `Lost`."""

    host: str
    secure: bool

    async def carry(self, mail: OwnMail, trip: Trip) -> None: ...
    def close(self) -> None: ...


def carrier(settings: EspSettings) -> Carrier:
    """Raises what Anymail does on settings that cannot be."""
    kind = settings.esp.backend()
    given = {**settings.options, **settings.secrets}
    options = {one.name: given[one.name] for one in settings.esp.settings if not one.events and given.get(one.name)}
    if issubclass(kind, AnymailRequestsBackend):
        return ByHttp(settings, kind(**options))
    return ByThreads(settings, kind(**esp_aws.backend_options(settings, options)))


class ByHttp:
    """The steps are those of `AnymailBaseBackend._send`, with our own connection in the place of the session."""

    def __init__(self, settings: EspSettings, backend: Any) -> None:
        self.backend = backend
        self.client = Client(idempotent=settings.esp.name in IDEMPOTENT, public_only=settings.public_only)
        self.host = urlsplit(backend.api_url).netloc
        self.secure = backend.api_url.startswith("https:")

    async def carry(self, mail: OwnMail, trip: Trip) -> None:
        backend, status = self.backend, mail.new_status()
        payload = backend.build_message_payload(mail, backend.send_defaults)
        request = Request.of(**payload.get_request_params(backend.api_url))
        response = status.esp_response = await self.client.ask(request, trip)
        backend.raise_for_status(response, payload, mail)
        status.set_recipient_status(backend.parse_recipient_status(response, payload, mail))
        backend.raise_for_recipient_status(status, response, payload, mail)

    def close(self) -> None:
        self.client.close()


class ByThreads:
    """The client inside is made to be shared by threads."""

    def __init__(self, settings: EspSettings, backend: Any) -> None:
        self.backend = backend
        self._threads = ThreadPoolExecutor(settings.max_connections, thread_name_prefix=f"esp-{settings.esp.name}")
        self._opening = threading.Lock()
        self.host, self.secure = settings.hosts[0] if settings.hosts else settings.esp.label, True

    async def carry(self, mail: OwnMail, trip: Trip) -> None:
        def send() -> None:
            with self._opening:
                self.backend.open()
            trip.stage = Stage.AFTER_DOT
            self.backend.send_messages([mail])

        await asyncio.get_running_loop().run_in_executor(self._threads, send)

    def close(self) -> None:
        self._threads.submit(self.backend.close)
        self._threads.shutdown(wait=False)  # what was begun comes to its end
