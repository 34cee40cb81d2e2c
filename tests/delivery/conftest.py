"""What tests of the engine share: a database whose rows other connections see, and no bell that rings in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # Django is not set up yet when this file is read
    from tests.delivery.worker_at import WorkerAt
    from undelivered.delivery.models import Provider
    from undelivered.desk.models import Project

#: Children first. Quicker than TRUNCATE, which would rewrite some hundred partitions.
TABLES = (
    "delivery_deliveryevent",
    "delivery_notification",
    "delivery_content",
    "delivery_notsent",
    "delivery_dailycount",
    "delivery_dailycountdelta",
    "delivery_dailyuse",
    "delivery_strike",
    "delivery_suppression",
    "delivery_provider",
    "delivery_maildomain",
    "delivery_worker",
    "delivery_throughput",
    "rules_rule",
    "desk_auditentry",
    "desk_comment",
    "desk_projectcustomer",
    "desk_participant",
    "desk_request",
    "desk_customer",
    "desk_membership",
    "desk_person",
    "desk_project",
)


@pytest.fixture
def transactional_db(django_db_setup, django_db_blocker) -> Iterator[None]:
    """pytest-django's, but rows are deleted."""
    from django.db import connection

    with django_db_blocker.unblock():
        yield
        with connection.cursor() as cursor:
            cursor.execute(";".join(f"DELETE FROM {table}" for table in TABLES))


@pytest.fixture
def committed(transactional_db) -> None:
    """Rows are really there, for other connections too, and gone after the test."""


@pytest.fixture
def project(committed) -> Project:
    from tests import make

    return make.project()


@pytest.fixture
def provider(committed) -> Provider:
    """The site's provider. Nothing listens there: tests script what it answers."""
    from undelivered.delivery.models import Provider

    return Provider.objects.create(name="Scripted", url="smtp+plain://127.0.0.1:9")


@pytest.fixture
def worker(project, provider) -> Iterator[WorkerAt]:
    from tests.delivery.worker_at import WorkerAt

    with WorkerAt() as one:
        yield one
