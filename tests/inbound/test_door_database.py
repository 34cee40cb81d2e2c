"""The door with PostgreSQL: mail is in the log before it is answered, and workers hear of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from tests import make
from tests.inbound import reports
from tests.inbound.fake_line import base64_of
from tests.inbound.own_door import MAIL, Client, OwnDoor, door
from undelivered.delivery import return_path, wake
from undelivered.delivery.models import Content, MailDomain, Notification
from undelivered.delivery.states import State
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import arrivals, credentials
from undelivered.inbound.models import Arrival, Made, SmtpCredential

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OwnDoor]:
    credentials.trust(make.project(from_address="it@it.example"), "127.0.0.1", by=UNDELIVERED)
    with door(tmp_path, wake.url) as made:
        yield made


def test_a_mail_is_in_the_log_when_it_is_answered(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        reply = client.send(b"ann@b.example", b"bob@b.example")
        first = Notification.objects.get(id=reply.split()[-1])
    assert (first.state, first.recipient, first.name) == (State.QUEUED, "ann@b.example", "Relayed mail")
    content = Content.objects.get(id=first.content_id)
    assert (bytes(content.raw or b""), content.subject, content.from_address) == (MAIL, "Hi", "it@it.example")
    assert Notification.objects.count() == 2
    assert opened.door.spool.waiting() == []


def test_workers_hear_of_it_at_once(opened: OwnDoor) -> None:
    with psycopg.connect(wake.url(), autocommit=True) as listener, opened.client().greeted() as client:
        listener.execute(f"LISTEN {wake.CHANNEL}")
        began = time.monotonic()
        assert client.send().startswith("250")
        assert next(listener.notifies(timeout=10)).channel == wake.CHANNEL
        assert time.monotonic() - began < 2


def test_a_credential_works_the_moment_it_was_made_and_its_use_is_noted(
    opened: OwnDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("undelivered.inbound.door.ACCESS_AT_ONCE_S", -1)
    made, password = credentials.create(make.project("HR", from_address="hr@hr.example"), by=UNDELIVERED)
    with opened.client().greeted() as client:
        assert client.say(b"AUTH PLAIN " + base64_of("", made.username, password)).startswith("235")
        assert client.send(mail=b"From: hr@hr.example\r\n\r\n").startswith("250")
    assert Notification.objects.get().project.key == "HR"
    opened.door._access_since = float("-inf")
    opened.do(opened.door.errands_once())
    assert SmtpCredential.objects.get(pk=made.pk).last_used_at is not None


def test_a_network_that_is_no_longer_trusted_is_known_within_seconds(
    opened: OwnDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.distrust(opened_network(), by=UNDELIVERED)
    opened.do(opened.door.refresh_once())
    with opened.client().greeted() as client:
        assert client.say(b"MAIL FROM:<it@it.example>", b"RCPT TO:<ann@b.example>").startswith("550 5.7.1")


def opened_network() -> credentials.TrustedNetwork:
    return credentials.TrustedNetwork.objects.get()


def test_a_text_that_postgresql_cannot_hold_is_no_reason_to_lose_a_mail(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        mail = b"From: a\x00b <it@it.example>\r\nSubject: x\x00y\r\n\r\n\x00\r\n"
        assert client.send(mail=mail).startswith("250")
    assert Content.objects.get().subject == "x\ufffdy"
    assert bytes(Content.objects.get().raw or b"") == mail


# --- what comes back --------------------------------------------------------------------------------------------------


def test_a_mail_that_comes_back_is_an_arrival_when_it_is_answered(opened: OwnDoor) -> None:
    path, raw = reports.path(uuid4()), reports.report()
    with opened.client().greeted() as client, psycopg.connect(wake.url(), autocommit=True) as listener:
        listener.execute(f"LISTEN {arrivals.CHANNEL}")
        reply = client.send(path.encode(), mail=raw)
        came = Arrival.objects.get(id=reply.split()[-1])
        assert next(listener.notifies(timeout=10)).channel == arrivals.CHANNEL
    assert (came.door, came.state, bytes(came.raw)) == ("smtp", Made.NEW, raw)
    assert came.about == {
        "to": path,
        "from": "it@it.example",
        "helo": "desk.it.example",
        "peer": "127.0.0.1",
        "protocol": "ESMTP",
    }
    assert not Notification.objects.exists()


def test_complaints_to_the_secret_address_belong_to_its_project(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        client.send(return_path.feedback_loop(7, "bounces.it.example").encode(), mail=reports.report())
    assert Arrival.objects.get().project_id == 7


def test_who_submits_may_bring_back_in_the_same_mail_all_or_nothing(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        path = reports.path(uuid4()).encode()
        reply = client.send(b"ann@b.example", path)
        assert Notification.objects.get().id == UUID(reply.split()[-1])
        assert client.send(b"ann@b.example", path, mail=b"From: boss@evil.example\r\n\r\nx\r\n").startswith("550")
    assert Arrival.objects.get().about["to"] == path.decode()


def test_bounce_domains_are_known_within_seconds(opened: OwnDoor) -> None:
    MailDomain.objects.create(domain="it.example", bounce_domain="bounces.it.example")
    opened.do(opened.door.refresh_once())
    with opened.client().greeted() as client:
        assert client.say(b"MAIL FROM:<>", b"RCPT TO:<nobody@bounces.it.example>").startswith("550 5.1.1")
        assert client.say(b"RCPT TO:<postmaster@bounces.it.example>").startswith("250")
        assert client.say(b"RSET").startswith("250")
        assert client.send(b"postmaster@bounces.it.example").startswith("250")
    assert Arrival.objects.get().about["to"] == "postmaster@bounces.it.example"


def test_lmtp_on_a_socket_takes_what_comes_back_and_nothing_else(tmp_path: Path) -> None:
    first, second = (reports.path(uuid4()).encode() for _ in range(2))
    with door(tmp_path, wake.url, lmtp=tmp_path / "lmtp"), Client(tmp_path / "lmtp") as client:
        assert client.reply() == "220 door.example LMTP Undelivered"
        assert client.say(b"LHLO mta").startswith("250")
        assert client.say(b"MAIL FROM:<>", b"RCPT TO:<%s>" % first, b"RCPT TO:<%s>" % second).startswith("250")
        assert client.say(b"RCPT TO:<ann@b.example>").startswith("550 5.1.1")
        assert client.say(b"DATA").startswith("354")
        client.socket.sendall(MAIL + b".\r\n")
        assert [client.reply()[:3] for _ in range(2)] == ["250", "250"]
    assert set(Arrival.objects.values_list("door", "about__to")) == {
        ("lmtp", first.decode()),
        ("lmtp", second.decode()),
    }
