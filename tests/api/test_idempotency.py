from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tests import make
from tests.api.caller import Caller, Got
from undelivered.api import idempotency
from undelivered.api.models import IdempotencyKey
from undelivered.delivery.models import Notification
from undelivered.desk import tokens
from undelivered.desk.models import Comment, Project, Request

INVITATION = {"customers": [{"email": "ann@northwind.example", "name": "Ann"}]}
NEW = {"summary": "Laptop", "reporter": {"email": "ann@northwind.example"}}


def test_the_same_call_with_the_same_key_is_answered_again_and_not_done_again(caller: Caller) -> None:
    first, second = (caller.post("/projects/IT/invitations", INVITATION, Idempotency_Key="k1") for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.body == second.body
    assert "Idempotent-Replay" not in first.headers
    assert second.headers["Idempotent-Replay"] == "true"
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert Notification.objects.count() == 1


def test_an_answer_with_a_key_is_the_same_as_one_without(caller: Caller) -> None:
    with_key = caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1")
    without = caller.post("/projects/IT/requests", NEW)
    assert with_key.status == without.status == 201
    assert with_key.json.keys() == without.json.keys()
    assert with_key.headers["Content-Type"] == without.headers["Content-Type"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/projects/IT/invitations", {"customers": [{"email": "bo@northwind.example"}]}),
        ("/projects/IT/requests", NEW),
    ],
)
def test_the_same_key_with_another_call_is_a_conflict(caller: Caller, path: str, body: dict[str, Any]) -> None:
    caller.post("/projects/IT/invitations", INVITATION, Idempotency_Key="k1")
    got = caller.post(path, body, Idempotency_Key="k1")
    assert (got.status, got.code) == (409, "idempotency_key_reused")
    assert Notification.objects.count() == 1


def test_every_post_that_sends_takes_a_key(caller: Caller, project: Project) -> None:
    found = make.request(project, make.customer("ann@northwind.example"))
    failed = make.notification(project, state="failed", reason="unknown_error")
    calls: dict[str, dict[str, Any] | None] = {
        "/projects/IT/requests": NEW,
        f"/requests/{found.issue_key}/comments": {"body": "Hello", "public": True},
        f"/requests/{found.issue_key}/transitions": {"status": "resolved"},
        f"/requests/{found.issue_key}/participants": {"emails": ["bo@northwind.example"]},
        f"/notifications/{failed.id}/resend": None,
        "/projects/IT/suppressions": {"address": "cy@northwind.example"},
    }
    for path, body in calls.items():
        first, second = (caller.post(path, body, Idempotency_Key=path) for _ in range(2))
        assert first.status < 300, first.body
        assert (second.status, second.body) == (first.status, first.body)
        assert second.headers["Idempotent-Replay"] == "true"
    assert Comment.objects.count() == 1
    assert Request.objects.count() == 2


def test_a_refused_call_is_not_remembered(caller: Caller) -> None:
    assert caller.post("/projects/IT/requests", {**NEW, "url": "https://"}, Idempotency_Key="k1").status == 400
    assert caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1").status == 201
    assert IdempotencyKey.objects.count() == 1


def test_a_crash_leaves_neither_the_action_nor_the_key(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("undelivered.api.v1.requests.done", broken)  # after the action, before the answer
        caller.client.raise_request_exception = False
        assert caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1").status == 500
    assert not Request.objects.exists()
    assert not Notification.objects.exists()
    assert caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1").json["key"] == "IT-1"


def test_two_tokens_may_use_the_same_key(caller: Caller, project: Project) -> None:
    other = Caller(tokens.create(project)[1])
    assert caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1").json["key"] == "IT-1"
    assert other.post("/projects/IT/requests", NEW, Idempotency_Key="k1").json["key"] == "IT-2"


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ü"])
def test_a_key_that_cannot_be_used_is_400(caller: Caller, key: str) -> None:
    got = caller.post("/projects/IT/requests", NEW, Idempotency_Key=key)
    assert (got.status, list(got.fields)) == (400, ["Idempotency-Key"])
    assert not Request.objects.exists()


def test_a_key_is_forgotten_after_a_day(caller: Caller) -> None:
    for key in ("k1", "k2"):
        caller.post("/projects/IT/requests", NEW, Idempotency_Key=key)
    IdempotencyKey.objects.filter(key="k1").update(created_at=timezone.now() - timedelta(hours=25))
    assert idempotency.purge_old() == 1
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["k2"]


def test_an_old_key_that_nobody_cleaned_up_does_not_answer_any_more(caller: Caller) -> None:
    caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert caller.post("/projects/IT/requests", NEW, Idempotency_Key="k1").json["key"] == "IT-2"


@pytest.mark.django_db(transaction=True)
def test_of_many_calls_with_one_key_at_once_one_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("undelivered.delivery.wake.now", lambda: None)  # its connection would outlive the test
    project = make.project("IT")
    secret = tokens.create(project)[1]
    answers: list[Got] = []
    together = threading.Barrier(4)

    def call() -> None:
        together.wait()
        answers.append(Caller(secret).post("/projects/IT/requests", NEW, Idempotency_Key="k1"))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [201] * 4
    assert len({answer.body for answer in answers}) == 1
    assert sum("Idempotent-Replay" in answer.headers for answer in answers) == 3
    assert Request.objects.count() == 1
    assert Notification.objects.count() == 1
