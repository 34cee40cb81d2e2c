"""How many mails a second the SMTP door makes durable, against aiosmtpd with one commit a mail.

Both write to the same throw-away PostgreSQL with fsync on. The door stores content, notification, history and count,
many mails in a transaction; the peer one bare row. Rounds are interleaved, the median counts. Two ways of sending: over
connections that are kept, and with one mail a connection, as help desks send. smtp-source sends, where it can be had.
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
from pathlib import Path

import psycopg

from benchmarks._sink import tool
from undelivered.database.embedded import EmbeddedPostgres

ROUNDS = 3
#: way -> (mails of the door, mails of the peer, sessions): a few seconds a round each
WAYS = {"reuse": (12_000, 4_000, 50), "once": (5_000, 2_500, 10)}
_ENVELOPE = ("-f", "it@it.example", "-t", "ann@shop.example", "-M", "desk.it.example")
WORDS = {"reuse": "50 sessions, kept", "once": "10 sessions, one mail a connection"}


def main() -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="undelivered-bench-")))
        folder.chmod(0o711)
        server = EmbeddedPostgres(folder / "data")
        stack.callback(server.stop)
        url = server.start()
        _prepare(url, folder)
        ports = {name: stack.enter_context(_running(name, url, folder)) for name in ("door", "peer")}
        rates: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            for way, (mails, of_peer, sessions) in WAYS.items():
                for name, number in (("door", mails), ("peer", of_peer)):
                    rates.setdefault((name, way), []).append(_flood(ports[name], number, sessions, way))
        _check_all_there(url)
    _report({key: statistics.median(values) for key, values in rates.items()})


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
def _running(name: str, url: str, folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks._door_server", name, url, str(folder / "spool")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
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


def _report(rates: dict[tuple[str, str], float]) -> None:
    print(f"{'mails of 4 kB a second, durable':<40}{'door':>10}{'aiosmtpd':>10}{'ratio':>8}")
    ratios = {way: rates["door", way] / rates["peer", way] for way in WAYS}
    for way, words in WORDS.items():
        print(f"{words:<40}{rates['door', way]:>10,.0f}{rates['peer', way]:>10,.0f}{ratios[way]:>8.2f}")
    print(
        json.dumps(
            {
                "name": "door",
                "value": round(rates["door", "reuse"]),
                "unit": "mails/s",
                "peer": "aiosmtpd, one commit a mail",
                "peer_value": round(rates["peer", "reuse"]),
                "ratio": round(ratios["reuse"], 2),
                "ratio_one_mail_a_connection": round(ratios["once"], 2),
            }
        )
    )


if __name__ == "__main__":
    main()
