"""Mails that pass through: stored in one statement, any number of times; their bytes at sending."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from tests import make
from undelivered.database import ids
from undelivered.delivery import relayed, send, signing, wake
from undelivered.delivery.models import Content, DailyCountDelta, DeliveryEvent, Notification
from undelivered.delivery.relayed import Relayed
from undelivered.delivery.signing import Purpose
from undelivered.delivery.states import State
from undelivered.desk.models import Project

RAW = b"From: IT <it@desk.example>\r\nSubject: Hi\r\n\r\n.dots\r\nand \x00 bytes \xff\r\n"


def store(*mails: Relayed) -> None:
    async def run() -> None:
        async with await AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            await relayed.store(connection, mails, ZoneInfo("UTC"))

    asyncio.run(run())


def mail(project: Project, *recipients: str, **values: Any) -> Relayed:
    id = ids.uuid7()
    rows = tuple((id if n == 0 else ids.uuid7(), to) for n, to in enumerate(recipients or ("Ann@Shop.example",)))
    given = {"from_address": "it@desk.example", "subject": "Hi", "raw": RAW}
    return Relayed(id=id, project_id=project.pk, recipients=rows, **{**given, **values})


@pytest.mark.django_db(transaction=True)
def test_every_recipient_becomes_a_queued_notification_of_one_content() -> None:
    project = make.project()
    one = mail(project, "Ann@Shop.example", "bob@shop.example", source={"helo": "desk"})
    store(one)
    first, second = Notification.objects.order_by("id")
    assert (first.id, first.recipient, first.recipient_key) == (one.id, "Ann@Shop.example", "ann@shop.example")
    assert (first.state, first.kind, first.name, first.recipient_domain) == (
        State.QUEUED,
        "request",
        "Relayed mail",
        "shop.example",
    )
    assert second.content_id == first.content_id == one.id
    content = Content.objects.get(id=one.id)
    assert bytes(content.raw or b"") == RAW
    assert (content.subject, content.source) == ("Hi", {"helo": "desk"})


@pytest.mark.django_db(transaction=True)
def test_storing_twice_is_storing_once_with_its_history_and_counts() -> None:
    project = make.project()
    one, two = mail(project), mail(project, "x@shop.example", "y@shop.example")
    store(one, two)
    Notification.objects.filter(id=one.id).update(state=State.SENT)
    store(two, one, three := mail(project))
    assert Notification.objects.count() == 4
    assert Notification.objects.get(id=one.id).state == State.SENT
    assert set(DeliveryEvent.objects.values_list("event_key", "type")) == {("0-queued", "queued")}
    assert DeliveryEvent.objects.count() == 4
    assert sum(DailyCountDelta.objects.values_list("n", flat=True)) == 4
    assert Content.objects.filter(id=three.id).exists()


@pytest.mark.django_db(transaction=True)
def test_a_day_belongs_to_the_zone_of_the_site() -> None:
    project = make.project()
    late = ids.uuid7_at(datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    one = replace(mail(project), id=late, recipients=((late, "ann@shop.example"),))

    async def run() -> None:
        async with await AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            await relayed.store(connection, [one], ZoneInfo("Europe/Berlin"))

    asyncio.run(run())
    assert str(DailyCountDelta.objects.get().day) == "2026-11-23"


@pytest.mark.django_db(transaction=True)
def test_what_postgresql_cannot_hold_in_a_text_does_not_stop_a_batch() -> None:
    project = make.project()
    store(mail(project, subject="a\x00b\udc80", from_name="\x00"), mail(project))
    assert Content.objects.filter(subject="a\ufffdb\ufffd").exists()


@pytest.mark.django_db(transaction=True)
def test_sending_loads_the_bytes_and_whether_they_need_smtputf8() -> None:
    project = make.project()
    plain, utf8 = mail(project), mail(project, source={"smtputf8": True})
    store(plain, utf8)
    rows: Any = [SimpleNamespace(content_id=m.id, project_id=project.pk, recipient_key="a@b") for m in (plain, utf8)]

    async def run() -> send.Desk:
        async with await AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            return await send.load(connection, rows)

    words = asyncio.run(run()).words
    assert (words[plain.id].raw, words[plain.id].smtputf8) == (RAW, False)
    assert words[utf8.id].smtputf8 is True


def test_a_relayed_mail_leaves_as_it_came_after_our_own_headers() -> None:
    id = ids.uuid7()
    ours, _, rest = relayed.message(RAW, [["Received", "from desk"]], id).partition(RAW)
    trace, header, end = ours.decode().split("\r\n")
    assert (trace, end, rest) == ("Received: from desk", "", b"")
    name, _, token = header.partition(": ")
    assert (name, signing.read(Purpose.HEADER, token)) == ("X-Undelivered-Id", id)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"From: a@b\r\nMessage-ID: <1@desk.example>\r\n\r\n", "<1@desk.example>"),
        (b"message-id:\r\n <1@desk.example>\r\n\r\n", "<1@desk.example>"),
        (b"Subject: x\r\n\r\nMessage-ID: <body@desk.example>\r\n", ""),
        (b"Message-ID: nothing\r\n\r\n", ""),
        (None, ""),
    ],
)
def test_the_message_id_is_the_one_that_the_mail_came_with(raw: bytes | None, found: str) -> None:
    assert relayed.message_id(raw) == found


@pytest.mark.django_db
def test_the_column_is_on_every_day_and_never_compressed() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT a.attstorage FROM pg_attribute a JOIN pg_inherits i ON a.attrelid = i.inhrelid "
            "WHERE i.inhparent = 'delivery_content'::regclass AND a.attname = 'raw'"
        )
        assert [row[0] for row in cursor.fetchall()] in (["e"], [b"e"])


def test_whatever_a_mail_is_made_of_it_can_be_looked_at():
    assert relayed.shown_as_text(b"Subject: x\r\n\r\nHello\r\n").strip() == "Hello"
    for raw in (
        b"",
        b"\x00\xff" * 50,
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nHi \xff",
        b"Content-Type: multipart/mixed",
    ):
        assert isinstance(relayed.shown_as_text(raw), str)
