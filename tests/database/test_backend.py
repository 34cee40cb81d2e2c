"""A connection that was kept: whether it lives is seen from its socket."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.postgresql import base

from undelivered.database.backend.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> Iterator[DatabaseWrapper]:
    """A connection beside the test's own."""
    made = connection.copy()
    assert isinstance(made, DatabaseWrapper)
    made.inc_thread_sharing()
    made.ensure_connection()
    yield made
    made.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the server was asked, each time with its answer."""
    found: list[bool] = []

    def is_usable(self: DatabaseWrapper) -> bool:
        found.append(ask(self))
        return found[-1]

    ask = base.DatabaseWrapper.is_usable
    monkeypatch.setattr(base.DatabaseWrapper, "is_usable", is_usable)
    return found


def test_one_that_lives_is_usable_without_being_asked(kept: DatabaseWrapper, asked: list[bool]) -> None:
    assert kept.is_usable()
    assert asked == []


def test_one_that_the_server_ended_is_made_again_at_the_next_request(kept: DatabaseWrapper) -> None:
    pid = kept.connection.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    deadline = time.monotonic() + 5
    while kept.is_usable() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not kept.is_usable()
    kept.health_check_enabled, kept.health_check_done = True, False  # as at the beginning of a request
    with kept.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert kept.connection.info.backend_pid != pid


def test_after_an_error_it_is_asked(kept: DatabaseWrapper, asked: list[bool]) -> None:
    kept.errors_occurred = True
    assert kept.is_usable()
    assert asked == [True]


def test_one_that_is_closed_is_not_usable(kept: DatabaseWrapper) -> None:
    kept.connection.close()
    assert not kept.is_usable()
    kept.close()
    assert not kept.is_usable()
