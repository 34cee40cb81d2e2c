"""`undelivered inbound < mail`: stored, or the mail server is told to try again; never lost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner
from django.conf import settings

from tests.inbound import reports
from undelivered.__main__ import cli
from undelivered.delivery import wake
from undelivered.env import Env
from undelivered.inbound import pipe
from undelivered.inbound.arrivals import KEPT, NewArrival
from undelivered.inbound.models import Arrival
from undelivered.inbound.spool import Spool
from undelivered.ops.commands.pipe import AGAIN, EMPTY, take

NOWHERE = "postgresql://undelivered@/undelivered?host=/nonexistent"
PATH = reports.path(uuid4())


def env(folder: Path, **values: object) -> Env:
    return replace(settings.ENV, data_dir=folder, database_url=wake.url(), least_free_disk=1, **values)  # type: ignore[arg-type]


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        yield
        Arrival.objects.all().delete()


def test_a_mail_is_stored_with_its_envelope(transactional_db, tmp_path):
    raw = reports.report()
    assert take(io.BytesIO(raw), (PATH,), "mailer@mx.example", env(tmp_path)) == 0
    row = Arrival.objects.get()
    assert (row.door, bytes(row.raw), row.about) == ("pipe", raw, {"to": PATH, "from": "mailer@mx.example"})


def test_several_recipients_are_several_arrivals_and_none_is_one(transactional_db, tmp_path):
    other = reports.path(uuid4())
    take(io.BytesIO(b"x"), (PATH, other), None, env(tmp_path))
    assert {row.about["to"] for row in Arrival.objects.all()} == {PATH, other}
    take(io.BytesIO(b"y"), (), None, env(tmp_path))
    assert Arrival.objects.filter(about={}).count() == 1


def test_without_postgresql_it_is_on_disk(tmp_path):
    assert take(io.BytesIO(b"Subject: x\r\n\r\n"), (PATH,), None, replace(env(tmp_path), database_url=NOWHERE)) == 0
    spool = Spool(tmp_path / "spool", 1)
    [(_, found)] = spool.read(spool.waiting())
    assert isinstance(found, NewArrival)
    assert (found.door, found.about, found.raw) == ("pipe", {"to": PATH}, b"Subject: x\r\n\r\n")


@pytest.mark.parametrize("input", ["", "\r\n \r\n"])
def test_an_empty_mail_is_not_taken(tmp_path, input):
    assert take(io.BytesIO(input.encode()), (), None, env(tmp_path)) == EMPTY
    assert not (tmp_path / "spool").exists()


def test_with_neither_postgresql_nor_room_the_mail_server_tries_again(tmp_path, monkeypatch):
    for name, value in {"DATA_DIR": str(tmp_path), "DATABASE_URL": NOWHERE, "LEAST_FREE_DISK": str(10**12 - 1)}.items():
        monkeypatch.setenv(f"UNDELIVERED_{name}", value)
    answer = CliRunner().invoke(cli, ["inbound"], input=b"Subject: x\r\n\r\n")
    assert answer.exit_code == AGAIN
    assert "not enough free space" in answer.output


def test_a_setting_that_is_wrong_loses_no_mail(monkeypatch):
    monkeypatch.setenv("UNDELIVERED_WEB_PORT", "nonsense")
    answer = CliRunner().invoke(cli, ["inbound"], input=b"Subject: x\r\n\r\n")
    assert answer.exit_code == AGAIN
    assert "UNDELIVERED_WEB_PORT" in answer.output


def test_of_a_giant_mail_the_front_is_kept_and_the_pipe_is_read_to_its_end():
    stream = io.BytesIO(b"x" * (2 * KEPT + 7))
    raw, size = pipe.read(stream)
    assert (len(raw), size, stream.read()) == (KEPT, 2 * KEPT + 7, b"")
    assert pipe.arrivals_of(raw, size, (), None)[0].about == {"size": size}


def test_it_is_a_program_that_a_mail_server_can_call(tmp_path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("UNDELIVERED_", "DJANGO_"))}
    environ |= {"UNDELIVERED_DATA_DIR": str(tmp_path), "UNDELIVERED_DATABASE_URL": NOWHERE}
    environ |= {"UNDELIVERED_LEAST_FREE_DISK": "1", "UNDELIVERED_SECRET_KEY": "x"}
    command = [sys.executable, "-m", "undelivered", "inbound", "--to", PATH, "--from", ""]
    ended = subprocess.run(command, input=b"From x\nSubject: y\n\n", env=environ, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
    assert len(Spool(tmp_path / "spool", 1).waiting()) == 1
