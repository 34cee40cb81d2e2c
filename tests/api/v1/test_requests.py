from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.api.v1.requests import Transition
from undelivered.desk.models import Project, Request, Status

NEW = {
    "summary": "Laptop does not start",
    "description": "It beeps.",
    "reporter": {"email": "ann@northwind.example", "name": "Ann"},
    "participants": ["bo@northwind.example", {"email": "cy@northwind.example", "name": "Cy"}],
    "url": "https://help.northwind.example/tickets/7",
}


def test_a_request_gets_an_issue_key_and_its_reporter_is_told(caller: Caller) -> None:
    got = caller.post("/projects/IT/requests", NEW)
    assert got.status == 201
    made = got.json
    assert (made["key"], made["project"], made["status"]) == ("IT-1", "IT", "open")
    assert (made["summary"], made["description"], made["url"]) == (NEW["summary"], NEW["description"], NEW["url"])
    assert made["reporter"] == {"email": "ann@northwind.example", "name": "Ann"}
    assert made["participants"] == [
        {"email": "bo@northwind.example", "name": ""},
        {"email": "cy@northwind.example", "name": "Cy"},
    ]
    told = {(one["recipient"], one["event"], one["issue_key"]) for one in made["notifications"]}
    assert ("ann@northwind.example", "request_created", "IT-1") in told
    assert ("bo@northwind.example", "participant_added", "IT-1") in told


def test_a_request_is_looked_at_by_its_key(caller: Caller) -> None:
    made = caller.post("/projects/IT/requests", NEW).json
    got = caller.get("/requests/it-1").json
    assert got == {name: made[name] for name in got}


@pytest.mark.parametrize("key", ["IT-2", "IT-0", "IT", "12", "IT-99999999999999999999", "%00", "IT-1%0A", "HR-1"])
def test_what_is_no_request_is_404(caller: Caller, project: Project, key: str) -> None:
    make.request(project)
    paths = ["", "/comments", "/participants", "/transitions", "/notifications"]
    for path in paths[:1] if key == "IT-1%0A" else paths:
        got = caller.get(f"/requests/{key}{path}")
        assert (got.status in (200, 404)) if key == "IT-1%0A" else (got.status, got.code) == (404, "not_found")


def test_requests_are_listed_newest_first_by_status_and_page(caller: Caller, project: Project) -> None:
    for n in range(3):
        make.request(project, status=Status.RESOLVED if n == 1 else Status.OPEN)
    make.request(make.project("HR"))
    first = caller.get("/projects/IT/requests?limit=2").json
    second = caller.get(f"/projects/IT/requests?limit=2&cursor={first['next']}").json
    assert [item["key"] for item in first["items"] + second["items"]] == ["IT-3", "IT-2", "IT-1"]
    assert second["next"] is None
    assert [item["key"] for item in caller.get("/projects/IT/requests?status=resolved").json["items"]] == ["IT-2"]
    assert caller.get("/projects/IT/requests?status=lost").fields.keys() == {"status"}


def test_a_transition_moves_the_request_and_says_who_is_told(caller: Caller, project: Project) -> None:
    make.request(project, make.customer("ann@northwind.example"))
    assert {one["status"] for one in caller.get("/requests/IT-1/transitions").json["items"]} == {
        "in_progress",
        "waiting",
        "resolved",
    }
    got = caller.post("/requests/IT-1/transitions", {"status": "resolved", "resolution": "Replaced"})
    assert got.status == 200
    assert (got.json["status"], got.json["status_label"], got.json["resolution"]) == (
        "resolved",
        "Resolved",
        "Replaced",
    )
    assert [(one["recipient"], one["event"]) for one in got.json["notifications"]] == [
        ("ann@northwind.example", "request_resolved")
    ]
    assert Request.objects.get().status == "resolved"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"status": ""}, "status"),
        ({"status": None}, "status"),
        ({}, "status"),
        ({"status": "waiting", "resolution": "Done"}, "resolution"),
        ({"status": "resolved", "resolution": "x" * 201}, "resolution"),
        ({"status": "resolved", "resolution": "a\nb"}, "resolution"),
        ({"status": "resolved", "comment": "x"}, "comment"),
    ],
)
def test_a_bad_transition_changes_nothing(caller: Caller, project: Project, body: dict[str, Any], field: str) -> None:
    make.request(project)
    got = caller.post("/requests/IT-1/transitions", body)
    assert (got.status, list(got.fields)) == (400, [field])
    assert Request.objects.get().status == "open"


def test_who_was_notified_of_a_request_and_who_was_not(caller: Caller) -> None:
    caller.post("/projects/IT/requests", {**NEW, "participants": []})
    caller.post("/requests/IT-1/comments", {"body": "Internal", "public": False})
    got = caller.get("/requests/IT-1/notifications").json
    assert [one["recipient"] for one in got["notifications"]] == ["ann@northwind.example"]
    assert [one["cause"] for one in got["not_sent"]] == ["internal_comment"]
    assert got["not_sent"][0]["cause_label"]


def test_the_statuses_that_the_api_takes_are_those_of_requests() -> None:
    assert [Transition.model_validate({"status": status}).status for status in Status.values] == list(Status)
