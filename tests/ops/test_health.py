"""`/healthz` and `/readyz`, as load balancers read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from undelivered.delivery.models import Worker
from undelivered.ops import health


def test_a_process_that_answers_is_alive_without_asking_anybody(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_ready_is_who_can_serve_and_send(client):
    Worker.objects.create(host="here", pid=1)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": True, "worker": True}}


@pytest.mark.django_db
def test_without_a_living_worker_nothing_is_sent_and_it_says_so(client):
    Worker.objects.create(host="here", pid=1, seen_at=timezone.now() - timedelta(seconds=21))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": True, "worker": False}


def test_without_the_database_it_is_not_ready(client, monkeypatch):
    class Gone:
        def cursor(self) -> None:
            raise DatabaseError("gone")

    monkeypatch.setattr(health, "connection", Gone())
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": False, "worker": False}
