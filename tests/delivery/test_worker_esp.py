"""The worker and an email service: our own mails go out by its API, those of other programs do not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import make
from tests.delivery.transports.scripted_api import POSTMARK_OK, Api, Behaviour, http, serving
from tests.delivery.worker_at import WorkerAt, state_of
from undelivered.delivery import providers, signing
from undelivered.delivery.models import Content, Notification, Provider
from undelivered.delivery.providers import FALLBACK
from undelivered.delivery.signing import Purpose
from undelivered.desk.actors import UNDELIVERED

pytestmark = pytest.mark.real


@contextmanager
def api_in_a_thread(*script: bytes | Behaviour) -> Iterator[Api]:
    """The worker's loop stands still between its turns; the API has one of its own."""
    ready, done, loop = threading.Event(), asyncio.Event(), asyncio.new_event_loop()
    found: list[Api] = []

    async def serve() -> None:
        async with serving(*script) as api:
            found.append(api)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture
def working(project) -> Iterator[object]:
    with ExitStack() as stack:

        def start(*script: bytes) -> tuple[WorkerAt, Api]:
            api = stack.enter_context(api_in_a_thread(*script))
            providers.set_provider(None, f"esp://postmark?api_url={api.url}", by=UNDELIVERED, password="hush")
            return stack.enter_context(WorkerAt(real=True)), api

        yield start


def test_a_notification_goes_out_by_the_api_with_what_names_it(project, working):
    worker, api = working(POSTMARK_OK)
    row = make.notification(project)
    worker.turn()
    sent = Notification.objects.get(id=row.id)
    assert sent.state == "sent"
    assert "Postmark took it" in sent.detail
    asked = api.asked[0]
    assert asked.headers["x-postmark-server-token"] == "hush"
    assert asked.json["Metadata"] == {"undelivered_id": signing.token(Purpose.METADATA, row.id)}
    assert signing.read(Purpose.METADATA, asked.json["Metadata"]["undelivered_id"]) == row.id


def test_a_refused_recipient_fails_with_what_the_service_says_of_it(project, working):
    row = make.notification(project)
    said = f"Found inactive addresses: {row.recipient}. Inactive recipients bounced."
    worker, _ = working(http(422, {"ErrorCode": 406, "Message": said}))
    worker.turn()
    assert state_of(row.id) == ("failed", "suppressed", "suppressed")


def test_a_key_that_the_service_does_not_take_is_an_incident_and_no_mail_fails(project, working):
    worker, _ = working(http(401, {"ErrorCode": 10, "Message": "Bad or missing server API token."}))
    row = make.notification(project)
    worker.turn()
    assert state_of(row.id) == ("queued", "", "login_refused")
    assert "API token" in providers.provider_for(project).incident


def test_what_another_program_wrote_fails_with_what_to_do(project, working):
    worker, api = working(POSTMARK_OK)
    row = make.notification(project)
    Content.objects.filter(id=row.content_id).update(raw=b"From: rt@example.com\r\nTo: x@example.com\r\n\r\nHello\r\n")
    worker.turn()
    failed = Notification.objects.get(id=row.id)
    assert (failed.state, failed.reason) == ("failed", "provider_error")
    assert "byte for byte" in failed.detail
    assert not api.asked


def test_what_another_program_wrote_waits_for_the_first_provider_where_the_fallback_is_a_service(project, working):
    worker, api = working(POSTMARK_OK)
    url = Provider.objects.get().url
    providers.set_provider(None, "smtp+plain://127.0.0.1:9", by=UNDELIVERED)
    providers.set_provider(None, url, by=UNDELIVERED, password="hush", rank=FALLBACK)
    rests = {"failures": 1, "paused_until": timezone.now() + timedelta(minutes=5), "incident_since": timezone.now()}
    Provider.objects.filter(rank=0).update(**rests)
    relayed, own = make.notification(project), make.notification(project)
    Content.objects.filter(id=relayed.content_id).update(raw=b"From: rt@example.com\r\n\r\nHello\r\n")
    worker.turn()
    assert state_of(own.id)[0] == "sent"
    waits = Notification.objects.get(id=relayed.id)
    assert waits.state == "queued"
    assert "waits until the first provider works again" in waits.detail
    assert len(api.asked) == 1
