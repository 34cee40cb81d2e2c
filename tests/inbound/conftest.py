"""What tests of the doors share: a database whose rows other connections see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.conftest import TABLES

#: Children first. Quicker than TRUNCATE, which would rewrite some hundred partitions.
ALL = ("inbound_arrival", "inbound_mailbox", "inbound_smtpcredential", "inbound_trustednetwork", *TABLES)


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """pytest-django's, but rows are deleted."""
    from django.db import connection

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        with connection.cursor() as cursor:
            cursor.execute(";".join(f"DELETE FROM {table}" for table in ALL))


@pytest.fixture
def committed(transactional_db: None) -> None:
    """Rows are really there, for other connections too, and gone after the test."""
