"""The door and PostgreSQL are killed at random moments while bounces come in: every one that got 250 is there, once.

The moments are the same at every run (`SEED`), as far as the machine lets them be.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings

from tests.database.scratch import until
from tests.inbound import reports
from tests.inbound.own_door import Client
from tests.inbound.test_outage import Process, clean, server
from undelivered.database import ids
from undelivered.database.embedded import EmbeddedPostgres, attach
from undelivered.delivery import claim

pytestmark = pytest.mark.journey
__all__ = ("server",)

SEED = 5
BOUNCES = int(os.environ.get("UNDELIVERED_TEST_BOUNCES", "2000"))
SENDERS, EASY_S = 4, 0.03
#: Between two kills, in seconds; and for so long there are any.
PAUSE_S, KILLING_S = (0.3, 2.0), 25.0
SENT = """
INSERT INTO delivery_notification (id, project_id, kind, event, name, recipient, recipient_key, recipient_domain,
    recipient_name, issue_key, content_id, personal, state, reason, detail, cause, enhanced_code, attempts, message_id)
SELECT id, project, 'request', 'request_created', 'Request created', who, who, 'b.example', '', '', id, '{}', 'sent',
    '', '', '', '', 1, '' FROM unnest(%s::uuid[], %s::text[]) AS g (id, who), (SELECT id AS project FROM desk_project) p
"""


#: Its return path, and the mail.
Bounce = tuple[bytes, bytes]


class Bringer(threading.Thread):
    """Brings bounces back as a mail server does: one that got no 250 is tried again, on a new connection."""

    def __init__(self, port: int, bounces: queue.SimpleQueue[Bounce]) -> None:
        super().__init__(daemon=True)
        self.port, self.bounces = port, bounces
        self.taken: list[str] = []
        self.tries = 0
        self.enough = threading.Event()

        self.client: Client | None = None

    def run(self) -> None:
        with contextlib.suppress(queue.Empty):
            while not self.enough.is_set():
                one = self.bounces.get_nowait()
                while not self.bring(*one):
                    time.sleep(0.05)
                time.sleep(EASY_S)
        if self.client is not None:
            self.client.__exit__()

    def bring(self, path: bytes, raw: bytes) -> bool:
        """Whether it was taken."""
        self.tries += 1
        try:
            if self.client is None:
                self.client = Client(self.port)
                self.client.greeted()
            reply = self.client.send(path, mail=raw)
            if not reply.startswith("250"):
                raise OSError(reply)
        except (OSError, AssertionError):
            if self.client is not None:
                self.client.__exit__()
            self.client = None
            return self.enough.is_set()
        self.taken.append(reply.split()[-1])
        return True


def seeded(data: Path) -> queue.SimpleQueue[Bounce]:
    """Bounces of notifications that have left, and of which nothing more is known."""
    rows = [(ids.uuid7(), f"c{n}@b.example") for n in range(BOUNCES)]
    with psycopg.connect(attach(data), autocommit=True) as connection:
        connection.execute(SENT, [list(column) for column in zip(*rows, strict=True)])
    bounces: queue.SimpleQueue[Bounce] = queue.SimpleQueue()
    for id, who in rows:
        bounces.put((reports.path(id).encode(), reports.report(to=who)))
    return bounces


@contextlib.contextmanager
def opened(folder: Path, data: Path) -> Iterator[Process]:
    door = Process(folder, data, SECRET_KEY=settings.SECRET_KEY)
    try:
        yield door
    finally:
        door.end(signal.SIGTERM)


@contextlib.contextmanager
def worker(environ: dict[str, str], data: Path) -> Iterator[None]:
    """Reads what comes in, all the while."""
    process = subprocess.Popen([sys.executable, "-m", "undelivered", "worker"], env=environ)
    try:
        # One that finds no database at its start ends at once; whoever started it starts it again.
        until(lambda: all_of(data, "SELECT count(*) FROM delivery_worker") == [(1,)], seconds=60)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def killings(running: EmbeddedPostgres, door: Process, threads: list[Bringer]) -> dict[str, int]:
    """Kills one or the other until everything is brought or the time is up, and starts it again each time."""
    chance = random.Random(SEED)
    killed = {"door": 0, "database": 0}
    end = time.monotonic() + KILLING_S
    while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
        for which in chance.sample(sorted(killed), 2):
            time.sleep(chance.uniform(*PAUSE_S))
            if which == "door":
                door.end(signal.SIGKILL)
                door.start()
            else:
                old = running.pid
                psutil.Process(old).kill()
                until(lambda old=old: running.check() and running.pid not in {None, old}, seconds=60)  # type: ignore[misc]
            killed[which] += 1
    return killed


def all_of(data: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(attach(data), connect_timeout=10) as connection:
        return connection.execute(sql, values).fetchall()


def read(data: Path) -> bool:
    try:
        return all_of(data, "SELECT count(*) FROM inbound_arrival WHERE state = 'new'") == [(0,)]
    except psycopg.OperationalError:
        return False


def test_every_bounce_that_was_taken_is_there_once_and_its_notification_failed(
    server: tuple[EmbeddedPostgres, Path], tmp_path: Path
) -> None:
    running, data = server
    clean(data)
    all_of(data, "DELETE FROM delivery_worker RETURNING id")
    bounces = seeded(data)
    with opened(tmp_path, data) as door, worker(door.environ, data):
        threads = [Bringer(door.port, bounces) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        try:
            killed = killings(running, door, threads)
            for thread in threads:
                thread.join(120)
        finally:
            for thread in threads:
                thread.enough.set()
        until(lambda: not list((tmp_path / "spool").glob("*.arrival")), seconds=60)
        until(lambda: read(data), seconds=120)
    taken = [id for thread in threads for id in thread.taken]
    print(f"killed {killed}; {len(taken)} taken in {sum(thread.tries for thread in threads)} tries")
    assert len(taken) == len(set(taken)) == BOUNCES
    arrived = {str(id) for (id,) in all_of(data, "SELECT id FROM inbound_arrival")}
    assert set(taken) <= arrived, "what was answered is there; what was not may be there too, and says the same again"
    bounds = claim.bounds(21)
    states = "SELECT state, cause, count(*) FROM delivery_notification WHERE id >= %s AND id < %s GROUP BY 1, 2"
    assert all_of(data, states, bounds["low"], bounds["high"]) == [("failed", "userunknown", BOUNCES)]
    lines = "SELECT count(*), count(DISTINCT notification_id) FROM delivery_deliveryevent WHERE type = 'bounced'"
    assert all_of(data, lines) == [(BOUNCES, BOUNCES)]
