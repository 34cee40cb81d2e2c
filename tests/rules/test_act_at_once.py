"""Actions at the same moment, on connections of their own: numbers are given once, events happen once.

Committed rows are cleaned up by hand: emptying every table and partition takes seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from tests import make
from undelivered.delivery.models import Content, DailyCountDelta, DeliveryEvent, Notification, NotSent
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, Project, Request
from undelivered.rules import act
from undelivered.rules.rules_of import rules_of

T = TypeVar("T")


@pytest.fixture
def committed(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    monkeypatch.setattr("undelivered.delivery.wake.after_commit", lambda: None)
    with django_db_blocker.unblock():
        project = make.project("RACE")
        rules_of(project)
        yield project
        for model in (NotSent, Notification, Content, DailyCountDelta):
            model._default_manager.filter(project_id=project.pk).delete()
        DeliveryEvent.objects.all().delete()
        customers = list(Customer.objects.filter(reported__project=project).values_list("pk", flat=True))
        Request.objects.filter(project=project).delete()
        project.delete()
        Customer.objects.filter(pk__in=customers).delete()
        connection.close()


def at_once(times: int, action: Callable[[int], T]) -> list[T]:
    start = threading.Barrier(times)

    def one(n: int) -> T:
        try:
            start.wait(10)
            return action(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_requests_that_are_opened_at_the_same_moment_get_different_numbers(committed: Project) -> None:
    ann = make.customer()
    keys = at_once(4, lambda n: act.open_request(committed, summary=f"No {n}", reporter=ann, by=By()).issue_key)
    assert sorted(keys) == ["RACE-1", "RACE-2", "RACE-3", "RACE-4"]


def test_two_people_who_resolve_a_request_at_the_same_moment_make_one_mail(committed: Project) -> None:
    request = make.request(committed)
    told = at_once(2, lambda n: len(act.update_request(request, status="resolved", by=By()).told))
    assert sorted(told) == [0, 1]
