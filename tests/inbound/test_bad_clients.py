"""Clients that send what nobody should, over a real socket: each is answered, bounded, and harms no other."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import make
from tests.database.scratch import until
from tests.inbound.fake_line import base64_of
from tests.inbound.own_door import MAIL, OwnDoor, door
from undelivered.delivery import wake
from undelivered.delivery.models import Content, Notification
from undelivered.desk.actors import UNDELIVERED
from undelivered.inbound import credentials
from undelivered.inbound.body import HEAD_LIMIT
from undelivered.inbound.envelope import Terms

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("committed")]
ENVELOPE = (b"MAIL FROM:<it@it.example>", b"RCPT TO:<ann@b.example>")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[OwnDoor]:
    """A door with PostgreSQL, which trusts loopback and takes 25 MB."""
    credentials.trust(make.project(from_address="it@it.example"), "127.0.0.1", by=UNDELIVERED)
    with door(tmp_path, wake.url, terms=Terms("door.example", size_limit=25 * 1024 * 1024)) as made:
        yield made


def contents() -> list[bytes]:
    return [bytes(raw or b"") for raw in Content.objects.order_by("id").values_list("raw", flat=True)]


def test_headers_without_end_are_refused_and_the_next_mail_is_welcome(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        header = b"X-Filler: " + b"x" * 988 + b"\r\n"
        endless = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n" + header * (HEAD_LIMIT // 1000 + 200)
        assert client.send(mail=endless).startswith("554 5.6.0")
        assert client.send().startswith("250")
    assert contents() == [MAIL]


def test_one_header_without_end_is_refused(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        assert client.send(mail=b"Subject: " + b"x" * 2 * HEAD_LIMIT + b"\r\n\r\nHi\r\n").startswith("5")
        assert client.send().startswith("250")
    assert contents() == [MAIL]


@pytest.mark.parametrize(
    "said",
    [
        b"MAIL FROM:<it\0@it.example>",
        b"MAIL FROM:<it@it.example>\0",
        b"RCPT TO:<ann\0@b.example>",
        b"\0",
        b"AUTH PLAIN \0",
        b"AUTH PLAIN " + base64_of("", "it-1", "se\0cret"),
        b"EHLO desk\0.it.example",
    ],
)
def test_a_nul_in_a_command_is_an_error_and_no_end(opened: OwnDoor, said: bytes) -> None:
    with opened.client().greeted() as client:
        assert client.say(ENVELOPE[0]).startswith("250")
        assert client.say(said).startswith("5")
        assert client.say(b"RSET").startswith("250")
        assert client.send().startswith("250")
    assert contents() == [MAIL]


def test_nul_bytes_in_a_mail_arrive_as_they_were_sent(opened: OwnDoor) -> None:
    mail = b"From: it@it.example\r\nSubject: \0\0\r\nX-\0: \0\r\n\r\n" + b"\0" * 10_000 + b"\r\n"
    with opened.client().greeted() as client:
        assert client.send(mail=mail).startswith("250")
    assert contents() == [mail]


def test_25_megabytes_are_in_the_log_when_they_are_answered(opened: OwnDoor) -> None:
    mail = MAIL + (b"z" * 78 + b"\r\n") * (25 * 1024 * 1024 // 80 - 10)
    with opened.client().greeted() as client:
        assert client.send(mail=mail).startswith("250")
    assert contents() == [mail]
    assert opened.door.spool.waiting() == []


def test_a_thousand_recipients_are_a_thousand_notifications_of_one_content(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        reply = client.send(*(b"customer%d@b.example" % n for n in range(1000)))
    assert reply.startswith("250")
    rows = Notification.objects.values_list("recipient", "content_id")
    assert {recipient for recipient, _ in rows} == {f"customer{n}@b.example" for n in range(1000)}
    assert len(rows) == 1000
    assert len({content for _, content in rows}) == len(contents()) == 1


def test_a_mail_that_breaks_off_is_nowhere(opened: OwnDoor) -> None:
    with opened.client().greeted() as client:
        client.say(*ENVELOPE)
        client.say(b"DATA")
        client.socket.sendall(MAIL + b"half a lin")
    with opened.client().greeted() as client:
        assert client.send(b"bob@b.example").startswith("250")
    assert list(Notification.objects.values_list("recipient", flat=True)) == ["bob@b.example"]


def test_a_full_disk_under_postgresql_is_the_spools_turn(opened: OwnDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object) -> None:
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")

    with monkeypatch.context() as patch, opened.client().greeted() as client:
        patch.setattr("undelivered.delivery.relayed.store", full)
        assert client.send().startswith("250")
        assert len(opened.door.spool.waiting()) == 1
        assert contents() == []
    until(lambda: not opened.door.spool.waiting())
    assert contents() == [MAIL]


def test_a_full_disk_under_everything_is_452_and_nothing_is_half_there(
    opened: OwnDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")

    def no_room(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with opened.client().greeted() as client:
        with monkeypatch.context() as patch:
            patch.setattr("undelivered.delivery.relayed.store", full)
            patch.setattr("undelivered.inbound.spool.os.fsync", no_room)
            assert client.send().startswith("452 4.3.1")
        until(lambda: not opened.door.intake.away)
        assert client.send(b"bob@b.example").startswith("250")
    assert [row.recipient for row in Notification.objects.all()] == ["bob@b.example"]
    assert list(opened.door.spool.folder.glob("*.mail")) == []
