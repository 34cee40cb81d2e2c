"""PostgreSQL hangs, or is gone for a while, while mail comes in: none is lost, none is refused, none is there twice."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.database.scratch import quick, scratch_folder, until
from tests.inbound.own_door import MAIL, Client, OwnDoor, door
from undelivered.database.embedded import EmbeddedPostgres, attach

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A server of our own, which may be stopped, with all tables and one project that trusts loopback."""
    with scratch_folder() as folder:
        running = quick(folder / "data")
        url = running.start()
        environ = {**os.environ, "UNDELIVERED_DATABASE_URL": url, "UNDELIVERED_DATA_DIR": str(folder / "own")}
        subprocess.run([sys.executable, "-m", "undelivered", "migrate"], check=True, env=environ, capture_output=True)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO desk_project (key, name, from_name, from_address, at_limit, last_request_number, "
                "created_at) VALUES ('IT', 'IT', '', 'it@it.example', 'fail', 0, now())"
            )
            connection.execute(
                "INSERT INTO inbound_trustednetwork (project_id, network, from_domains, created_at) "
                "SELECT id, '127.0.0.0/8', '[\"it.example\"]', now() FROM desk_project"
            )
        try:
            yield running, folder / "data"
        finally:
            running.stop()


class Sender(threading.Thread):
    """Sends one mail after the other, each over a connection of its own, and keeps what it was told."""

    def __init__(self, made: OwnDoor) -> None:
        super().__init__(daemon=True)
        self.made = made
        self.replies: list[str] = []
        self.slowest = 0.0
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.is_set():
            began = time.monotonic()
            with self.made.client().greeted() as client:
                self.replies.append(client.send(mail=MAIL + b"%d\r\n" % len(self.replies)))
            self.slowest = max(self.slowest, time.monotonic() - began)
            time.sleep(0.02)


@contextlib.contextmanager
def mail_coming_in(made: OwnDoor, senders: int = 3) -> Iterator[list[Sender]]:
    threads = [Sender(made) for _ in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.enough.set()
        for thread in threads:
            thread.join(30)


def answered(threads: list[Sender]) -> list[str]:
    replies = [reply for thread in threads for reply in thread.replies]
    assert {reply[:3] for reply in replies} == {"250"}, "nothing was refused"
    return sorted(reply.split()[-1] for reply in replies)


def in_the_log(data: Path) -> list[str]:
    with psycopg.connect(attach(data), connect_timeout=10) as connection:
        return sorted(str(id) for (id,) in connection.execute("SELECT id FROM delivery_notification"))


def settled(made: OwnDoor) -> Callable[[], bool]:
    return lambda: not made.door.intake.away and not made.door.spool.waiting()


def clean(data: Path) -> None:
    with psycopg.connect(attach(data), autocommit=True) as connection:
        connection.execute("TRUNCATE delivery_notification, delivery_content, delivery_deliveryevent")


def test_postgresql_hangs_for_a_while(server: tuple[EmbeddedPostgres, Path], tmp_path: Path) -> None:
    running, data = server
    clean(data)
    with door(tmp_path, lambda: attach(data)) as made:
        with mail_coming_in(made) as threads:
            until(lambda: all(len(thread.replies) > 3 for thread in threads))
            assert running.pid is not None
            main = psutil.Process(running.pid)
            frozen = [main, *main.children(recursive=True)]
            for process in frozen:
                process.suspend()
            try:
                before = [len(thread.replies) for thread in threads]
                until(lambda: all(len(t.replies) > n + 10 for t, n in zip(threads, before, strict=True)), seconds=15)
                assert made.door.spool.waiting()
            finally:
                for process in frozen:
                    process.resume()
            until(settled(made))
        until(settled(made))
        assert in_the_log(data) == answered(threads)
        assert max(thread.slowest for thread in threads) < 5, "a client waits two seconds for PostgreSQL, not more"


def test_postgresql_is_stopped_and_started_again(server: tuple[EmbeddedPostgres, Path], tmp_path: Path) -> None:
    running, data = server
    clean(data)
    with door(tmp_path, lambda: attach(data)) as made:
        with mail_coming_in(made) as threads:
            until(lambda: all(len(thread.replies) > 3 for thread in threads))
            running.stop()
            before = [len(thread.replies) for thread in threads]
            until(lambda: all(len(t.replies) > n + 20 for t, n in zip(threads, before, strict=True)), seconds=15)
            running.start()
            until(settled(made))
        until(settled(made))
        assert in_the_log(data) == answered(threads)


def test_a_door_that_starts_without_postgresql_takes_mail_for_those_it_knew(
    server: tuple[EmbeddedPostgres, Path], tmp_path: Path
) -> None:
    running, data = server
    clean(data)
    with door(tmp_path, lambda: attach(data)):
        pass
    running.stop()
    with door(tmp_path, lambda: attach(data)) as made:
        with made.client().greeted() as client:
            reply = client.send()
        assert reply.startswith("250")
        running.start()
        until(settled(made))
        assert in_the_log(data) == [reply.split()[-1]]


def test_postgresql_is_killed_again_and_again(server: tuple[EmbeddedPostgres, Path], tmp_path: Path) -> None:
    running, data = server
    clean(data)
    with door(tmp_path, lambda: attach(data)) as made:
        with mail_coming_in(made) as threads:
            for _ in range(3):
                before = [len(thread.replies) for thread in threads]
                until(lambda before=before: all(len(t.replies) > n + 5 for t, n in zip(threads, before, strict=True)))  # type: ignore[misc]
                killed = running.pid
                assert killed is not None
                psutil.Process(killed).kill()
                until(lambda killed=killed: running.check() and running.pid not in {None, killed}, seconds=30)  # type: ignore[misc]
            until(settled(made))
        until(settled(made))
        assert in_the_log(data) == answered(threads)


class Process:
    """`undelivered smtp` as a process of its own, which may be killed and started again."""

    def __init__(self, folder: Path, data: Path, **more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        settings = {"DATABASE_URL": attach(data), "DATA_DIR": str(folder), "SMTP_PORT": str(self.port)}
        settings |= {"SECRET_KEY": "x", "LEAST_FREE_DISK": "1", **more}
        self.environ = {**os.environ, **{f"UNDELIVERED_{name}": value for name, value in settings.items()}}
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "undelivered", "smtp"], env=self.environ)
        until(self._answers, seconds=60)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            self.client().__exit__()
            return True
        return False

    def client(self) -> Client:
        return Client(self.port)

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


def test_the_door_itself_is_killed_again_and_again(server: tuple[EmbeddedPostgres, Path], tmp_path: Path) -> None:
    _, data = server
    clean(data)
    made = Process(tmp_path, data)
    replies: list[str] = []
    enough = threading.Event()

    def send() -> None:
        while not enough.is_set():
            with contextlib.suppress(OSError, AssertionError), made.client() as client:  # the door may be killed
                replies.append(client.greeted().send())

    senders = [threading.Thread(target=send) for _ in range(3)]
    for sender in senders:
        sender.start()
    try:
        for _ in range(3):
            before = len(replies)
            until(lambda before=before: len(replies) > before + 30)  # type: ignore[misc]
            made.end(signal.SIGKILL)
            made.start()
    finally:
        enough.set()
        for sender in senders:
            sender.join(30)
    assert made.end(signal.SIGTERM) == 0
    answered_ids = {reply.split()[-1] for reply in replies if reply.startswith("250")}
    assert len(answered_ids) > 90
    assert not list((tmp_path / "spool").glob("*.mail"))
    assert answered_ids <= set(in_the_log(data)), "what was answered is there; what was not may be there too"


def test_a_door_stops_at_once_although_postgresql_hangs_and_the_next_one_brings_the_mail_in(
    server: tuple[EmbeddedPostgres, Path], tmp_path: Path
) -> None:
    running, data = server
    clean(data)
    made = OwnDoor(tmp_path, lambda: attach(data)).start()
    assert running.pid is not None
    main = psutil.Process(running.pid)
    frozen = [main, *main.children(recursive=True)]
    for process in frozen:
        process.suspend()
    try:
        with made.client().greeted() as client:
            reply = client.send()
        began = time.monotonic()
        made.stop()
        assert time.monotonic() - began < 5
    finally:
        for process in frozen:
            process.resume()
    assert reply.startswith("250")
    assert len(made.door.spool.waiting()) == 1
    with door(tmp_path, lambda: attach(data)) as following:
        until(settled(following))
    assert in_the_log(data) == [reply.split()[-1]]
