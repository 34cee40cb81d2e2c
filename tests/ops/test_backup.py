"""A backup holds everything, a restore brings it back wholly, and neither destroys what is there by mistake."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.database.scratch import scratch_folder
from tests.database_server import test_server
from undelivered.database.partitions import HOT

NAME = "undelivered_backup"


def call(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("UNDELIVERED_", "PG"))},
        "UNDELIVERED_DATABASE_URL": url,
        "UNDELIVERED_SECRET_KEY": "a key for tests alone",
    }
    command = [sys.executable, "-m", "undelivered", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A migrated database with a project in it."""
    server = make_conninfo(test_server(), dbname="postgres")
    parts = conninfo_to_dict(test_server())
    # As a URL, since that is what the setting takes.
    url = f"postgresql://{parts['user']}:{parts['password']}@/{NAME}?host={parts['host']}&port={parts['port']}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME}")
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            made = call(url, "migrate")
            assert made.returncode == 0, made.stderr
            with psycopg.connect(url) as inside:
                inside.execute(
                    "INSERT INTO desk_project (key, name, from_name, from_address, at_limit, last_request_number, "
                    "created_at) VALUES ('IT', 'IT Help', '', 'it@desk.example', 'fail', 0, now())"
                )
            yield url
        finally:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with scratch_folder() as found:
        yield found


@pytest.fixture(scope="module")
def dump(url: str, folder: Path) -> Path:
    file = folder / "it.dump"
    done = call(url, "backup", str(file))
    assert done.returncode == 0, done.stderr
    assert "secret key" in done.stdout
    return file


def keys(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [key for (key,) in connection.execute("SELECT key FROM desk_project ORDER BY key").fetchall()]


def test_only_its_maker_can_read_a_backup(dump, folder):
    assert stat.S_IMODE(dump.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [dump]


def test_a_backup_never_overwrites_a_file(dump, url):
    before = dump.read_bytes()
    done = call(url, "backup", str(dump))
    assert done.returncode == 1
    assert "is there already" in done.stderr
    assert dump.read_bytes() == before


def test_a_backup_that_fails_leaves_nothing_behind(url, folder):
    done = call(url.replace(NAME, "not_there"), "backup", str(folder / "other.dump"))
    assert done.returncode == 1
    assert "not_there" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(folder.glob("*other*"))


def test_a_restore_brings_back_what_was_and_makes_the_days_ahead(dump, url):
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM desk_project")
        connection.execute("DROP TABLE delivery_throughput")
    done = call(url, "restore", "--yes", str(dump))
    assert done.returncode == 0, done.stderr
    assert keys(url) == ["IT"]
    with psycopg.connect(url) as connection:
        parents = connection.execute(
            "SELECT count(DISTINCT inhparent), count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent "
            "WHERE c.relkind = 'p'"
        ).fetchone()
    assert parents[0] == len(HOT)
    assert parents[1] >= 30 * len(HOT)


def test_a_restore_refuses_while_others_are_connected(dump, url):
    with psycopg.connect(url):
        done = call(url, "restore", "--yes", str(dump))
    assert done.returncode == 1
    assert "1 other program" in done.stderr


def test_a_file_that_is_no_backup_changes_nothing(url, folder):
    file = folder / "-wrong.dump"
    file.write_text("not a dump")
    done = call(url, "restore", "--yes", str(file))
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert keys(url) == ["IT"]
    file.unlink()


def test_half_a_backup_changes_nothing(url, dump, folder):
    file = folder / "half.dump"
    file.write_bytes(dump.read_bytes()[:-2000])
    done = call(url, "restore", "--yes", str(file))
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert keys(url) == ["IT"]
    file.unlink()
