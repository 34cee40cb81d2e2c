"""How many mails a second the SMTP door makes durable, against aiosmtpd with one commit a mail.

Both write to the same throw-away PostgreSQL with fsync on. The door stores content, notification, history and count,
many mails in a transaction; the peer one bare row. Rounds are interleaved. Two ways of sending: over connections that
are kept, and with one mail a connection, as help desks send. smtp-source sends, where it can be had.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from benchmarks._sink import tool
from undelivered.database.embedded import EmbeddedPostgres

ROUNDS = 5
#: way -> (mails of the door, mails of the peer, sessions): about a second each
WAYS = {"reuse": (4_000, 2_000, 50), "once": (2_000, 1_500, 10)}
WORDS = {"reuse": "50 sessions, kept", "once": "a connection a mail"}
_ENVELOPE = ("-f", "it@it.example", "-t", "ann@shop.example", "-M", "desk.it.example")
FIELDS = ("rate", "server", "postgres")


@dataclass(frozen=True)
class Measured:
    """Mails a second, and seconds of processor a thousand mails of the server and of PostgreSQL."""

    rate: float
    server: float
    postgres: float


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="undelivered-bench-")))
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "data")
        stack.callback(server.stop)
        url = server.start()
        _prepare(url, folder)
        assert server.pid is not None
        postgres = psutil.Process(server.pid)
        running = {name: stack.enter_context(_running(name, url, folder)) for name in ("door", "peer")}
        found: dict[tuple[str, str], list[Measured]] = {}
        for _ in range(ROUNDS):
            for way, numbers in WAYS.items():
                for (name, (process, port)), mails in zip(running.items(), numbers[:2], strict=True):
                    before = _processor(process), _processor(*postgres.children())
                    rate = _flood(port, mails, numbers[2], way)
                    after = _processor(process), _processor(*postgres.children())
                    used = [(b - a) / mails * 1000 for a, b in zip(before, after, strict=True)]
                    found.setdefault((name, way), []).append(Measured(rate, *used))
        _check_all_there(url)
    _report(found)


def _processor(*processes: psutil.Process) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _prepare(url: str, folder: Path) -> None:
    os.environ.update(
        UNDELIVERED_DATABASE_URL=url,
        UNDELIVERED_DATA_DIR=str(folder / "own"),
        UNDELIVERED_SECRET_KEY="a key for benchmarks alone",
        DJANGO_SETTINGS_MODULE="undelivered.settings",
    )
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from undelivered.desk.actors import UNDELIVERED
    from undelivered.desk.models import Project
    from undelivered.inbound import credentials

    call_command("migrate", verbosity=0)
    project = Project.objects.create(key="IT", name="IT", from_address="it@it.example")
    credentials.trust(project, "127.0.0.0/8", by=UNDELIVERED)
    connections.close_all()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE door_peer (id bigserial PRIMARY KEY, sender text, recipients text[], raw bytea)"
        )


@contextmanager
def _running(name: str, url: str, folder: Path) -> Iterator[tuple[psutil.Process, int]]:
    command = [sys.executable, "-m", "benchmarks._door_server", name, url, str(folder / "spool")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield psutil.Process(process.pid), int(process.stdout.readline())
        finally:
            process.terminate()


def _flood(port: int, mails: int, sessions: int, way: str) -> float:
    """Mails a second; both ways of flooding wait for each reply, as help desks do."""
    if source := tool("smtp-source"):
        command = [source.path, "-s", str(sessions), "-m", str(mails), "-l", "4096", *_ENVELOPE]
        command += ["-d"] * (way == "reuse") + [f"127.0.0.1:{port}"]
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=source.env or None)
        return mails / (time.perf_counter() - began)
    command = [sys.executable, "-m", "benchmarks._flood", str(port), str(mails), str(sessions), way]
    return mails / float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _check_all_there(url: str) -> None:
    with psycopg.connect(url) as connection:
        for table, number in (("delivery_notification", 0), ("door_peer", 1)):
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            wanted = ROUNDS * sum(way[number] for way in WAYS.values())
            assert row == (wanted,), f"{table}: {row} of {wanted}"


def _report(found: dict[tuple[str, str], list[Measured]]) -> None:
    """Ratios are medians of the rounds' ratios: the machine's own speed changes from minute to minute."""
    print(f"{'mails of 4 kB, durable':<36}{'mails/s':>9}{'ratio':>7}   processor s / 1000: server, PostgreSQL")
    ratios = {}
    for way, words in WORDS.items():
        pairs = zip(found["door", way], found["peer", way], strict=True)
        ratios[way] = statistics.median(door.rate / peer.rate for door, peer in pairs)
        for name, shown in (("door", "the door"), ("peer", "aiosmtpd")):
            median = {field: statistics.median(getattr(one, field) for one in found[name, way]) for field in FIELDS}
            ratio = f"{ratios[way]:>7.2f}" if name == "door" else " " * 7
            print(
                f"{f'{words}: {shown}':<36}{median['rate']:>9,.0f}{ratio}"
                f"{median['server']:>24.3f}{median['postgres']:>12.3f}"
            )
    value, of_peer = (statistics.median(one.rate for one in found[name, "reuse"]) for name in ("door", "peer"))
    print(
        json.dumps(
            {
                "name": "door",
                "value": round(value),
                "unit": "mails/s",
                "peer": "aiosmtpd, one commit a mail",
                "peer_value": round(of_peer),
                "ratio": round(ratios["reuse"], 2),
                "ratio_one_mail_a_connection": round(ratios["once"], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
