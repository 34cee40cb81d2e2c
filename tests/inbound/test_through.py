"""A help desk's mail from its socket to the recipient's server: in by the door, out by a worker, byte for byte."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from tests import make
from tests.delivery.worker_at import WorkerAt
from tests.inbound.own_door import door
from undelivered.delivery import wake
from undelivered.delivery.models import Notification, Provider
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import credentials
from undelivered.ops.rehearsal import RehearsalServer

pytestmark = pytest.mark.usefixtures("committed")

MAIL = (
    b"Message-ID: <1@it.example>\r\nFrom: IT <it@it.example>\r\nSubject: =?utf-8?q?Dr=C3=BCcker?=\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b".a dot\r\n..two\r\n.\r\nM\xfcller {{ braces }} \x00\r\n\r\n\r\n"
)


def test_a_mail_comes_out_as_it_went_in_and_each_recipient_has_an_outcome(tmp_path: Path) -> None:
    project = make.project(from_address="it@it.example")
    made, password = credentials.create(project, by=UNDELIVERED)
    with WorkerAt(real=True) as worker, door(tmp_path, wake.url) as opened:
        server = RehearsalServer(slow_s=0, delay_s=0)
        port = worker.run(server.start())
        Provider.objects.create(name="Rehearsal", url=f"smtp+plain://127.0.0.1:{port}", rehearsal=True)
        with smtplib.SMTP("127.0.0.1", opened.port, timeout=15) as client:
            client.login(made.username, password)
            client.sendmail("", ["ann@northwind.example", "ann+no-such-user@northwind.example", "a,b@x.example"], MAIL)
        assert worker.turn() == 3
        [out] = server.inbox()
        worker.run(server.stop())
    assert out.recipient == "ann@northwind.example"
    assert out.envelope_from == "it@it.example"
    trace, _, rest = out.content.partition(b"\r\nMessage-ID: ")
    assert b"Message-ID: " + rest == MAIL
    assert trace.startswith(b"Received: from [127.0.0.1] ([127.0.0.1])\r\n\tby door.example")
    found = Notification.objects.order_by("id")
    assert [(row.state, row.reason) for row in found] == [
        ("sent", ""),
        ("failed", "provider_error"),
        ("failed", "email_validation_error"),
    ]
    assert {row.message_id for row in found[:2]} == {"<1@it.example>"}
