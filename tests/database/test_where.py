"""Where PostgreSQL is: the URL that was given, or the embedded one if it runs."""

from __future__ import annotations

import psycopg
import pytest

from undelivered import env as environment
from undelivered.database import where
from undelivered.database.embedded import EmbeddedError


def test_a_given_url_is_taken_as_it_is():
    given = environment.read({"UNDELIVERED_DATABASE_URL": "postgresql://ann:pw@db.example.com/undelivered"})
    assert where.running_url(given) == where.require(given) == "postgresql://ann:pw@db.example.com/undelivered"


def test_without_a_running_one_the_url_is_one_that_nobody_answers(tmp_path):
    url = where.running_url(environment.read({"UNDELIVERED_DATA_DIR": str(tmp_path)}))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=1)


def test_requiring_one_that_does_not_run_says_so(tmp_path):
    with pytest.raises(EmbeddedError):
        where.require(environment.read({"UNDELIVERED_DATA_DIR": str(tmp_path)}))


def test_the_running_one_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(where.embedded, "attach", lambda folder: f"postgresql:///found?host={folder}")
    env = environment.read({"UNDELIVERED_DATA_DIR": str(tmp_path)})
    assert where.running_url(env) == where.require(env) == f"postgresql:///found?host={tmp_path}"
