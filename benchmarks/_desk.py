"""Undelivered itself, to be measured: PostgreSQL with fsync on in a temporary folder, a project, a worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import psycopg

from benchmarks._helper import ROOT, Helper, end
from undelivered.database.embedded import EmbeddedPostgres
from undelivered.database.ids import lowest

PATIENCE_S = 600.0
REST = "UPDATE delivery_provider SET paused_until = now() + interval '1 day'"
GO_ON = "UPDATE delivery_provider SET paused_until = NULL"
# Within the days of the benchmark: else to ask would cost PostgreSQL more than a batch of mails does.
LEFT = """
SELECT EXISTS (SELECT FROM delivery_notification WHERE state = 'queued' AND id >= %(low)s AND id < %(high)s)
    OR EXISTS (SELECT FROM delivery_notification WHERE state = 'sending' AND id >= %(low)s AND id < %(high)s)
"""
ASK_EVERY_S = 0.02


@contextmanager
def server() -> Iterator[tuple[str, EmbeddedPostgres]]:
    """URL of an empty database on a server of its own, as the product runs it by default."""
    folder = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-"))
    folder.chmod(0o711)  # as root, PostgreSQL runs under an account of its own
    postgres = EmbeddedPostgres(folder / "data", fsync=True)
    try:
        yield postgres.start(), postgres
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Desk:
    """A project whose mail goes to `port`. `caller` is what enqueues; `start_worker` what sends."""

    url: str
    postgres: EmbeddedPostgres
    env: dict[str, str]
    caller: Helper
    database: psycopg.Connection[Any]
    token: str = ""
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """`undelivered worker`, when it says that it is there."""
        before = self._known()
        process = subprocess.Popen([sys.executable, "-m", "undelivered", "worker"], cwd=ROOT, env=self.env)
        self.workers.append(process)
        while self._known() == before:
            assert process.poll() is None, "the worker ended"
            time.sleep(0.05)
        return process

    def _known(self) -> int:
        row = self.database.execute("SELECT count(*) FROM delivery_worker").fetchone()
        assert row is not None
        return int(row[0])

    def stop_workers(self) -> None:
        for process in self.workers:
            end(process)
        self.workers.clear()

    def rest(self) -> None:
        """The provider takes nothing for now: what is accepted waits."""
        self.database.execute(REST)

    def go_on(self) -> float:
        """The provider takes mail again; since when."""
        begun = time.perf_counter()
        self.database.execute(GO_ON)
        self.database.execute("NOTIFY undelivered_due")
        return begun

    def wait(self) -> float:
        """Until everything is sent and recorded; when that was."""
        deadline = time.perf_counter() + PATIENCE_S
        now = datetime.now(UTC)
        bounds = {"low": lowest(now - timedelta(hours=1)), "high": lowest(now + timedelta(minutes=10))}
        with psycopg.ClientCursor(self.database) as cursor:
            while True:
                row = cursor.execute(LEFT, bounds).fetchone()
                assert row is not None
                at = time.perf_counter()
                if not row[0]:
                    return at
                assert at < deadline, "the mails do not leave"
                time.sleep(ASK_EVERY_S)

    def tidy(self) -> None:
        """What autovacuum would do sooner or later, at a moment when nobody is measured."""
        self.database.execute("VACUUM ANALYZE delivery_notification, delivery_deliveryevent, delivery_content")

    def pids(self) -> list[int | None]:
        """Whose time is Undelivered's."""
        return [self.caller.process.pid, self.postgres.pid, *(process.pid for process in self.workers)]

    def memory(self) -> int:
        """Bytes that the largest worker holds."""
        return max(psutil.Process(process.pid).memory_info().rss for process in self.workers)


@contextmanager
def desk(port: int, **more: str) -> Iterator[Desk]:
    with ExitStack() as stack:
        url, postgres = stack.enter_context(server())
        folder = Path(tempfile.mkdtemp(prefix="undelivered-benchmark-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        env = environment(url, folder, **more)
        caller = stack.enter_context(Helper("benchmarks._caller", env))
        prepared = caller.ask("prepare", port=port)
        database = stack.enter_context(psycopg.connect(url, autocommit=True))
        made = Desk(url, postgres, env, caller, database, prepared["token"])
        stack.callback(made.stop_workers)
        yield made


def environment(url: str, folder: Path, **more: str) -> dict[str, str]:
    """What a process of the product needs, and nothing of the machine's own settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("UNDELIVERED_")}
    return {
        **own,
        "UNDELIVERED_DATABASE_URL": url,
        "UNDELIVERED_DATA_DIR": str(folder),
        "UNDELIVERED_SECRET_KEY": "a key for benchmarks alone",
        "UNDELIVERED_LOG_LEVEL": "WARNING",  # as `undelivered run` sets it
        **more,
    }
