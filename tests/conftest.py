"""One throw-away PostgreSQL for the whole run, started before Django reads its settings.

That is why `DJANGO_SETTINGS_MODULE` is set here and not in pyproject.toml: pytest-django would read them first.
"""

from __future__ import annotations

import os
import tempfile

import django
import pytest

from tests.database_server import test_server

# Tests are about defaults: what the machine's own environment sets must not leak in.
for _name in [
    name for name in os.environ if name.startswith("UNDELIVERED_") and not name.startswith("UNDELIVERED_TEST_")
]:
    del os.environ[_name]
os.environ["UNDELIVERED_DATA_DIR"] = tempfile.mkdtemp(prefix="undelivered-test-")
os.environ["UNDELIVERED_SECRET_KEY"] = "a key for tests alone"
os.environ["UNDELIVERED_DATABASE_URL"] = test_server()
os.environ["DJANGO_SETTINGS_MODULE"] = "undelivered.settings"


#: Real processes, sockets and fuzzing: what `make unit` leaves out, so that it stays quick.
REAL = (
    "tests/api/test_schema_fuzz.py",
    "tests/database/test_embedded",
    "tests/delivery/test_feedback_replay.py",
    "tests/delivery/transports/",
    "tests/delivery/test_worker_rehearsal.py",
    "tests/deploy/",
    "tests/inbound/test_door.py",
    "tests/inbound/test_oracle.py",
    "tests/inbound/test_outage.py",
    "tests/ops/test_backup.py",
    "tests/ops/test_commands.py",
    "tests/ops/test_rehearsal.py",
)


def pytest_configure() -> None:
    django.setup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.nodeid.startswith(REAL):
            item.add_marker("real")
        elif item.nodeid.startswith("tests/journeys/"):
            item.add_marker("journey")
    from django.conf import settings

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # argon2 is slow on purpose


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens in unit tests, and the bell's connection would outlive the test database."""
    from undelivered.delivery import wake

    monkeypatch.setattr(wake, "now", lambda *channels: None)
