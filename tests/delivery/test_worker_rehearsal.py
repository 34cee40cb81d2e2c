"""The worker against the rehearsal mail server, over real SMTP on loopback: what its answers become in the log."""

from __future__ import annotations

import asyncio
from email import message_from_bytes

import pytest

from tests import make
from tests.delivery.worker_at import WorkerAt, make_due, state_of, types_of
from undelivered.delivery import failures, mime, suppression
from undelivered.delivery.models import Notification, Provider
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import Project
from undelivered.ops.rehearsal import RehearsalServer

pytestmark = pytest.mark.usefixtures("committed")

ANSWERS = {
    "ann": ("sent", "", ""),
    "ann+no-such-user": ("failed", "provider_error", "userunknown"),
    "ann+disabled": ("failed", "provider_error", "suspend"),
    "ann+spam": ("failed", "provider_error", "spamdetected"),
    "ann+policy": ("failed", "provider_error", "authfailure"),
    "ann+too-big": ("failed", "provider_error", "emailtoolarge"),
    "ann+garbage": ("failed", "unknown_error", ""),
    "ann+mailbox-full": ("queued", "", "mailboxfull"),
    "ann+greylist": ("queued", "", None),
    "ann+busy": ("queued", "", None),
    "ann+drop-after-data": ("queued", "", ""),
    "ann+later-bounce": ("sent", "", ""),
}


@pytest.fixture
def rehearsal(project):
    """A worker on the same loop as the server that it talks to."""
    worker = WorkerAt(real=True, size_limit=20_000)
    server = RehearsalServer(slow_s=0, delay_s=0)
    port = worker.run(server.start())
    Provider.objects.create(name="Rehearsal", url=f"smtp+plain://127.0.0.1:{port}", rehearsal=True)
    with worker:
        yield worker, server
        worker.run(server.stop())


def test_every_answer_ends_where_it_belongs(project, rehearsal):
    worker, server = rehearsal
    rows = {local: make.notification(project, f"{local}@northwind.example") for local in ANSWERS}
    assert worker.turn() == len(rows)
    for local, (state, reason, cause) in ANSWERS.items():
        found = state_of(rows[local].id)
        assert found[:2] == (state, reason), local
        assert cause is None or found[2] == cause, local
    refused = Notification.objects.get(id=rows["ann+no-such-user"].id)
    assert (refused.smtp_code, refused.enhanced_code) == (550, "5.1.1")
    assert "no such user here" in refused.detail
    [event] = [one for one in failures.events(refused.id) if one.type == "refused"]
    assert event.data["stage"] == "rcpt"
    assert any("RCPT TO:<ann+no-such-user@northwind.example>" in line for line in event.data["dialogue"])
    assert types_of(rows["ann+drop-after-data"].id) == ["uncertain"]
    assert suppression.find(project, "ann+no-such-user@northwind.example")
    [mail] = server.inbox("ann@northwind.example")
    assert message_from_bytes(mail.content)["Message-ID"] == mime.message_id(rows["ann"].id, "help@desk.example")


def test_greylisting_ends_with_the_third_try(project, rehearsal):
    worker, server = rehearsal
    row = make.notification(project, "ann+greylist@northwind.example")
    for _ in range(3):
        make_due(row.id)
        worker.turn()
    assert types_of(row.id) == ["deferred", "deferred", "accepted"]
    assert state_of(row.id)[0] == "sent"
    assert len(server.inbox("ann+greylist@northwind.example")) == 1


def test_each_of_the_eight_reasons_is_produced_by_really_trying(project, rehearsal):
    worker, _ = rehearsal
    suppression.add(project, "blocked@northwind.example", by=UNDELIVERED)
    broken = make.content(project, error="line 1: unknown tag 'nonsense'")
    large = make.content(project, text="x" * 21_000)
    make.notification(project, "ann@northwind.example", content_id=broken.id)
    make.notification(project, "ann.northwind.example")
    make.notification(project, "ann@northwind.example", content_id=large.id)
    make.notification(project, "blocked@northwind.example")
    make.notification(project, "someone@192.168.0.217")
    make.notification(project, "ann+no-such-user@northwind.example")
    make.notification(project, "ann+garbage@northwind.example")
    worker.turn()
    Project.objects.update(daily_limit=2)  # so many were handed over
    make.notification(project, "late@northwind.example")
    worker.turn()
    assert sorted(Notification.objects.values_list("state", "reason")) == [
        ("failed", "email_validation_error"),
        ("failed", "internal_error"),
        ("failed", "limit_reached"),
        ("failed", "private_address"),
        ("failed", "provider_error"),
        ("failed", "suppressed"),
        ("failed", "template_too_large"),
        ("failed", "unknown_error"),
    ]


def test_a_provider_that_is_down_is_one_incident_and_its_mail_goes_out_when_it_is_back(project, rehearsal):
    worker, server = rehearsal
    port = server.port
    worker.run(server.stop())
    rows = [make.notification(project, f"a{n}@northwind.example") for n in range(3)]
    worker.turn()
    provider = Provider.objects.get()
    assert provider.failures == 1
    assert "Could not connect" in provider.incident
    assert {(row.state, row.attempts) for row in Notification.objects.all()} == {("queued", 0)}
    again = RehearsalServer(port=port)
    worker.run(again.start())
    Provider.objects.update(paused_until=provider.incident_since)
    for row in rows:
        make_due(row.id)
    assert [worker.turn(), worker.turn()] == [1, 2]
    assert {state_of(row.id)[0] for row in rows} == {"sent"}
    assert Provider.objects.get().incident_since is None
    worker.run(again.stop())
    worker.run(asyncio.sleep(0))
