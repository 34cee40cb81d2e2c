"""Keeping what comes in: all or nothing, any number of times, whatever is in it."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from django.db import transaction
from django.db.utils import DatabaseError

from undelivered.database import ids
from undelivered.delivery import wake
from undelivered.inbound import arrivals
from undelivered.inbound.arrivals import NewArrival
from undelivered.inbound.models import Arrival, Door, Made


def mail(raw: bytes = b"Subject: x\r\n\r\n", **about: Any) -> NewArrival:
    return arrivals.mail(Door.SMTP, raw, **about)


@pytest.mark.django_db
def test_it_is_kept_as_it_came_and_waits_to_be_read() -> None:
    one = mail(b"\x00\xff\r\n", to="b-1@bounces.example", peer="192.0.2.1")
    arrivals.keep([one])
    row = Arrival.objects.get()
    assert (row.id, row.door, bytes(row.raw)) == (one.id, "smtp", b"\x00\xff\r\n")
    assert row.about == {"to": "b-1@bounces.example", "peer": "192.0.2.1"}
    assert (row.state, row.due_at, row.tries, row.result) == (Made.NEW, ids.created_at(one.id), 0, [])


@pytest.mark.django_db
def test_a_door_may_know_whose_it_is() -> None:
    arrivals.keep([arrivals.mail(Door.MAILBOX, b"x", project_id=7, mailbox=1)])
    assert Arrival.objects.get().project_id == 7


@pytest.mark.django_db
def test_the_same_again_changes_nothing() -> None:
    one, other = mail(), mail()
    arrivals.keep([one])
    Arrival.objects.filter(id=one.id).update(state=Made.APPLIED)
    arrivals.keep([other, one])
    assert Arrival.objects.count() == 2
    assert Arrival.objects.get(id=one.id).state == Made.APPLIED


@pytest.mark.django_db
def test_what_postgresql_cannot_hold_is_no_reason_to_lose_it() -> None:
    arrivals.keep([mail(to="a\x00b", note={"x": ["\ud800"]})])
    assert Arrival.objects.get().about == {"to": "a\ufffdb", "note": {"x": ["\ufffd"]}}


@pytest.mark.django_db
def test_of_a_giant_mail_the_front_is_kept_and_its_size_is_known() -> None:
    arrivals.keep([mail(b"x" * (arrivals.KEPT + 5))])
    row = Arrival.objects.get()
    assert (len(row.raw), row.about) == (arrivals.KEPT, {"size": arrivals.KEPT + 5})


def test_readers_are_woken_after_the_commit(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(wake, "now", rung.append)
    with transaction.atomic():
        arrivals.keep([mail()])
        assert not rung
    assert rung == [arrivals.CHANNEL]
    arrivals.keep([])
    assert len(rung) == 1


def test_the_door_stores_on_a_connection_of_its_own_all_or_nothing(committed: None) -> None:
    async def store(*given: NewArrival) -> None:
        async with await psycopg.AsyncConnection.connect(wake.url(), autocommit=True) as connection:
            await arrivals.store(connection, given)

    asyncio.run(store(one := mail(), mail()))
    asyncio.run(store(one))
    assert Arrival.objects.count() == 2
    with pytest.raises(psycopg.Error):
        asyncio.run(store(mail(), NewArrival(None, b"")))  # type: ignore[arg-type]
    assert Arrival.objects.count() == 2


@pytest.mark.django_db
def test_in_a_transaction_that_breaks_nothing_is_kept() -> None:
    def keep_two() -> None:
        with transaction.atomic():
            arrivals.keep([mail()])
            arrivals.keep([NewArrival(None, b"")])  # type: ignore[arg-type]

    with pytest.raises(DatabaseError):
        keep_two()
    assert not Arrival.objects.exists()
