"""Waking the workers: where the bell's connection goes, and that it rings after the commit alone."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import conninfo_to_dict

from undelivered.delivery import wake

real_now = wake.now


def test_the_url_leads_where_django_goes_with_the_same_encryption_and_time_outs(committed, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"]["OPTIONS"], "sslmode", "prefer")
    parts = conninfo_to_dict(wake.url())
    assert parts["dbname"] == connection.settings_dict["NAME"]
    assert parts["sslmode"] == "prefer"
    with psycopg.connect(wake.url()) as other:
        assert other.execute("SELECT current_database()").fetchone() == (connection.settings_dict["NAME"],)


@pytest.mark.django_db
def test_nobody_is_woken_for_what_was_rolled_back(monkeypatch, django_capture_on_commit_callbacks):
    rung = []
    monkeypatch.setattr(wake, "now", lambda: rung.append(True))

    def fails():
        with transaction.atomic():
            wake.after_commit()
            raise RuntimeError

    with django_capture_on_commit_callbacks(execute=True):
        with pytest.raises(RuntimeError):
            fails()
        wake.after_commit()
    assert rung == [True]


def test_the_bell_is_heard(committed):
    bell = wake._Bell()
    with psycopg.connect(wake.url(), autocommit=True) as worker:
        worker.execute(f"LISTEN {wake.CHANNEL}")
        for _ in range(2):
            bell.channels.add(wake.CHANNEL)
            bell.ring()
        heard = list(worker.notifies(timeout=5, stop_after=2))
    assert [one.channel for one in heard] == [wake.CHANNEL] * 2
    bell.connection.close()


def test_each_channel_that_was_asked_for_is_rung_once(committed):
    bell = wake._Bell()
    with psycopg.connect(wake.url(), autocommit=True) as worker:
        worker.execute(f"LISTEN {wake.CHANNEL}; LISTEN another")
        bell.channels |= {wake.CHANNEL, "another"}
        bell.ring()
        bell.ring()
        heard = list(worker.notifies(timeout=5, stop_after=2))
    assert sorted(one.channel for one in heard) == ["another", wake.CHANNEL]
    assert not bell.channels
    bell.connection.close()


def test_a_bell_that_cannot_ring_tries_again_with_a_new_connection(committed, monkeypatch):
    bell = wake._Bell()
    with monkeypatch.context() as patch:
        patch.setattr(wake, "url", lambda: "postgresql:///?host=/nonexistent")
        bell.channels.add(wake.CHANNEL)
        bell.ring()
    assert bell.connection is None
    bell.ring()
    bell.connection.close()
    bell.ring()
    assert not bell.connection.closed
    bell.connection.close()


def test_asking_starts_one_bell_for_the_process(monkeypatch):
    started = []

    class Silent(wake._Bell):
        def run(self):
            started.append(self)

    monkeypatch.setattr(wake, "_Bell", Silent)
    monkeypatch.setattr(wake, "_bell", None)
    real_now()
    assert wake._bell.asked.is_set()
    assert wake._bell.channels == {wake.CHANNEL}
    wake._bell.join()
    assert len(started) == 1
