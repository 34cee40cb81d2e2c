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


def pytest_configure() -> None:
    django.setup()


@pytest.fixture(autouse=True)
def no_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens in unit tests, and the bell's connection would outlive the test database."""
    from undelivered.delivery import wake

    monkeypatch.setattr(wake, "now", lambda: None)
