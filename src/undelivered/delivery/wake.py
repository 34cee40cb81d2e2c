"""Waking the workers: a NOTIFY, sent after the commit on a connection of its own, at most one per 20 ms and process.

Inside the accepting transaction a NOTIFY would take a lock that all committers share, and halve their rate. A lost
wake-up costs a worker's slow poll, nothing else.
"""

from __future__ import annotations

import logging
import threading
from functools import partial

import psycopg
from django.conf import settings
from django.db import transaction
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

CHANNEL = "undelivered_due"
LEAST_GAP_S = 0.02
#: What Django is told of a connection and libpq knows too: encryption, time-outs ...
LIBPQ = frozenset(option.keyword.decode() for option in Conninfo.get_defaults())
_log = logging.getLogger(__name__)


class _Bell(threading.Thread):
    """Rings when asked, after a pause that gathers what is asked meanwhile."""

    def __init__(self) -> None:
        super().__init__(name="wake", daemon=True)
        self.asked = threading.Event()
        self.channels: set[str] = set()
        self.connection: psycopg.Connection | None = None

    def run(self) -> None:
        pause = threading.Event()
        while True:
            self.asked.wait()
            self.asked.clear()
            self.ring()
            pause.wait(LEAST_GAP_S)

    def ring(self) -> None:
        try:
            if self.connection is None or self.connection.closed:
                self.connection = psycopg.connect(url(), autocommit=True, connect_timeout=5)
            while self.channels:
                self.connection.execute(f"NOTIFY {self.channels.pop()}")
        except psycopg.Error as error:
            _log.debug("wake-up not sent: %s", error)
            if self.connection is not None:
                self.connection.close()
            self.connection = None


_bell: _Bell | None = None
_lock = threading.Lock()


def after_commit(channel: str = CHANNEL) -> None:
    """Wakes a worker once the current transaction is committed; at once if there is none."""
    transaction.on_commit(now if channel == CHANNEL else partial(now, channel))


def now(channel: str = CHANNEL) -> None:
    global _bell
    with _lock:
        if _bell is None or not _bell.is_alive():  # a fork has the object, but not the thread
            _bell = _Bell()
            _bell.start()
    _bell.channels.add(channel)
    _bell.asked.set()


def url() -> str:
    """Where Django's own connection goes, for drivers of our own (tests use a database of another name)."""
    known = settings.DATABASES["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    parts = {names[key]: str(known[key]) for key in names if known.get(key)}
    more = {key: str(value) for key, value in known["OPTIONS"].items() if key in LIBPQ}
    return make_conninfo("", **more, **parts)
