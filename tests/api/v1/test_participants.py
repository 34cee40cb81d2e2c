from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.desk.models import Participant, Project


def test_only_new_participants_are_told(caller: Caller, project: Project) -> None:
    ann, bo = make.customer("ann@northwind.example"), make.customer("bo@northwind.example", "Bo")
    make.request(project, ann, participants=(bo,))
    emails = ["cy@northwind.example", "bo@northwind.example", "CY@northwind.example"]
    got = caller.post("/requests/IT-1/participants", {"emails": emails})
    assert got.status == 200
    assert {one["email"] for one in got.json["items"]} == {"bo@northwind.example", "cy@northwind.example"}
    assert [one["recipient"] for one in got.json["notifications"]] == ["cy@northwind.example"]
    assert caller.get("/requests/IT-1/participants").json["items"] == got.json["items"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "emails"),
        ({"emails": []}, "emails"),
        ({"emails": "ann@northwind.example"}, "emails"),
        ({"emails": [None]}, "emails.0"),
        ({"emails": ["ann@northwind.example", "a\nb"]}, "emails.1"),
        ({"emails": ["ann@northwind.example"] * 101}, "emails"),
    ],
)
def test_bad_participants_are_named_and_nobody_is_added(
    caller: Caller, project: Project, body: dict[str, Any], field: str
) -> None:
    make.request(project)
    got = caller.post("/requests/IT-1/participants", body)
    assert (got.status, list(got.fields)) == (400, [field])
    assert not Participant.objects.exists()
