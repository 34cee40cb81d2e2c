"""The worker against providers that follow a bad script, over real SMTP: no mail is lost, none is hurried, none suffers
for another provider."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from uuid import UUID

import pytest

from tests import make
from tests.delivery.transports.scripted import HANG_UP, PIPELINING, POLITE, ScriptedServer
from tests.delivery.transports.test_bad_servers import Dripping
from tests.delivery.transports.test_transaction import Touchy
from tests.delivery.worker_at import WorkerAt, make_due, types_of
from undelivered.delivery.models import Notification, Provider
from undelivered.desk.models import Project

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("committed")]

MAILS = 20
CONNECTIONS = 3


@pytest.fixture
def worker() -> Iterator[WorkerAt]:
    with WorkerAt(real=True) as worker:
        yield worker
        worker.run(asyncio.sleep(0))


@contextmanager
def provider(
    worker: WorkerAt, server: ScriptedServer, project: Project | None = None, timeout: float = 10
) -> Iterator[Provider]:
    """On the worker's own loop."""
    port = worker.run(server.start())
    options = f"connections={CONNECTIONS}&timeout={timeout}"
    try:
        yield Provider.objects.create(name="Scripted", project=project, url=f"smtp+plain://127.0.0.1:{port}?{options}")
    finally:
        server.drop_all()
        worker.run(server.stop())


def mails(project: Project, n: int = MAILS) -> list[UUID]:
    return [make.notification(project, f"customer{i}@shop.example").id for i in range(n)]


def arrived(server: ScriptedServer) -> Counter[str]:
    """Message-ID -> how many copies."""
    return Counter(str(message_from_bytes(mail)["Message-ID"]) for mail in server.mails)


def states() -> set[tuple[str, int]]:
    return set(Notification.objects.values_list("state", "attempts"))


LATER, NOT_NOW = b"451 4.3.0 Try again later\r\n", b"503 5.5.1 Not now\r\n"


@pytest.mark.parametrize("ehlo", [PIPELINING, POLITE["EHLO"]], ids=["in one go", "step by step"])
@pytest.mark.parametrize(
    "script",
    [
        {"MAIL": LATER, "RCPT": NOT_NOW, "DATA": NOT_NOW},
        {"RCPT": LATER, "DATA": NOT_NOW},
        {"DATA": LATER},
        {"dot": LATER},
    ],
)
def test_a_provider_that_puts_everything_off_is_not_hurried_and_gets_it_all_in_the_end(project, worker, script, ehlo):
    server = ScriptedServer(EHLO=ehlo, **script)
    with provider(worker, server):
        ids = mails(project)
        assert worker.turn() == MAILS
        assert states() == {("queued", 1)}
        assert {tuple(types_of(id)) for id in ids} == {("deferred",)}
        soon = datetime.now(UTC) + timedelta(seconds=45)
        assert not Notification.objects.filter(due_at__lt=soon).exists()
        assert worker.turn() == 0
        assert len(server.lines) <= CONNECTIONS
        server.answers = POLITE | {"EHLO": ehlo}
        server.mails.clear()
        for id in ids:
            make_due(id)
        assert worker.turn() == MAILS
        assert states() == {("sent", 2)}
        assert set(arrived(server).values()) == {1}
        assert len(arrived(server)) == MAILS


@pytest.mark.parametrize("stage", ["greeting", "EHLO"])
def test_a_provider_that_is_closed_to_everybody_is_one_incident_and_burns_no_attempt(project, worker, stage):
    server = ScriptedServer(**{stage: b"421 4.3.2 Service not available\r\n"})
    with provider(worker, server) as one:
        mails(project)
        for _ in range(5):
            worker.turn()
        assert states() == {("queued", 0)}
        assert len(server.lines) <= MAILS, "each was tried once at most, and then nobody knocks any more"
        one.refresh_from_db()
        assert (one.failures, one.incident) == (1, "421 4.3.2 Service not available")
        assert (one.paused_until or one.changed_at) > datetime.now(UTC)


def test_a_provider_that_closes_after_the_dot_gets_the_same_mails_again(project, worker):
    server = ScriptedServer(EHLO=PIPELINING, dot=HANG_UP)
    with provider(worker, server):
        ids = mails(project)
        worker.turn()
        assert states() == {("queued", 1)}
        assert {tuple(types_of(id)) for id in ids} == {("uncertain",)}, "whether they arrived, nobody knows"
        assert worker.turn() == 0
        server.answers = POLITE
        for id in ids:
            make_due(id)
        worker.turn()
        assert states() == {("sent", 2)}
        assert arrived(server) == dict.fromkeys(arrived(server), 2), "twice, under the Message-ID that tells"
        assert len(arrived(server)) == MAILS


def test_a_provider_that_closes_when_it_is_offered_the_mail_was_given_nothing(project, worker):
    server = ScriptedServer(EHLO=PIPELINING, DATA=HANG_UP)
    with provider(worker, server):
        ids = mails(project)
        worker.turn()
        assert states() == {("queued", 1)}
        assert {tuple(types_of(id)) for id in ids} == {("deferred",)}
        assert server.mails == []


def test_a_provider_that_lies_about_pipelining_gets_every_mail_once(project, worker):
    server = Touchy(EHLO=PIPELINING)
    server.with_that = b"503 5.5.0 Error: improper command pipelining\r\n"
    with provider(worker, server):
        mails(project)
        worker.turn()
        assert states() == {("sent", 1)}
        assert sorted(arrived(server).values()) == [1] * MAILS


class Counting(ScriptedServer):
    """Tells when it has so many mails."""

    def __init__(self, **answers: bytes) -> None:
        super().__init__(**answers)
        self.more = asyncio.Condition()

    async def read_mail(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await super().read_mail(reader, writer)
        async with self.more:
            self.more.notify_all()

    async def has(self, n: int) -> None:
        async with self.more:
            await self.more.wait_for(lambda: len(self.mails) >= n)


@pytest.mark.parametrize("stage", ["", "EHLO", "RCPT", "."])
def test_a_provider_that_says_a_byte_now_and_then_holds_up_its_own_mails_only(project, worker, stage, settings):
    """After the dot it may take ten minutes (RFC 5321, section 4.5.3.2.6)."""
    settings.ENV = replace(settings.ENV, allow_private_hosts=True)
    other = make.project("HR")
    slow, quick = Dripping(stage, b"2", EHLO=PIPELINING), Counting(EHLO=PIPELINING)

    async def story() -> None:
        await worker.worker.turn()
        async with asyncio.timeout(20):
            await quick.has(MAILS)
            if stage != ".":
                await worker.worker.hands.finish()

    with provider(worker, slow, project, timeout=30 if stage == "." else 0.5), provider(worker, quick, other):
        waiting = mails(project, CONNECTIONS)
        mails(other)
        worker.run(story())
        found = Notification.objects.filter(id__in=waiting)
        assert set(found.values_list("state", flat=True)) == {"sending" if stage == "." else "queued"}
