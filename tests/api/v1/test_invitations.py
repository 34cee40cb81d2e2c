from __future__ import annotations

from typing import Any

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.delivery.models import Notification
from undelivered.desk.models import Customer, Project, ProjectCustomer
from undelivered.rules.rules_of import rules_of


def test_an_invitation_says_for_each_customer_what_is_sent(caller: Caller, project: Project) -> None:
    make.customer("bo@northwind.example", "Bo", of=project)
    people = [
        {"email": "ann@northwind.example", "name": "Ann", "language": "de"},
        {"email": "bo@northwind.example"},
        {"email": "not an address"},
    ]
    got = caller.post("/projects/IT/invitations", {"customers": people})
    assert got.status == 201
    items = got.json["items"]
    assert [(one["email"], one["name"], one["existing"]) for one in items] == [
        ("ann@northwind.example", "Ann", False),
        ("bo@northwind.example", "Bo", True),
        ("not an address", "", False),
    ]
    for one in items:
        row = Notification.objects.get(pk=one["notification_id"])
        assert (row.recipient, row.kind, one["state"], one["not_sent"]) == (one["email"], "invitation", "queued", None)
    assert Customer.objects.get(address="ann@northwind.example").language == "de"
    assert ProjectCustomer.objects.filter(project=project).count() == 3


def test_where_the_rule_is_off_the_answer_says_that_nothing_is_sent(caller: Caller, project: Project) -> None:
    rule = next(rule for rule in rules_of(project) if rule.event == "customer_invited")
    rule.enabled = False
    rule.save()
    got = caller.post("/projects/IT/invitations", {"customers": [{"email": "ann@northwind.example"}]})
    one = got.json["items"][0]
    assert (one["notification_id"], one["state"], one["not_sent"]) == (None, None, "rule_off")
    assert one["not_sent_label"]
    assert not Notification.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "customers"),
        ({"customers": []}, "customers"),
        ({"customers": {}}, "customers"),
        ({"customers": ["ann@northwind.example"]}, "customers.0"),
        ({"customers": [{"email": "a@b.example"}] * 501}, "customers"),
        ({"customers": [{"email": "a@b.example"}, {"email": None}]}, "customers.1.email"),
        ({"customers": [{"email": "a@b.example", "language": "klingon!"}]}, "customers.0.language"),
        ({"customers": [{"email": "a@b.example", "name": "x" * 201}]}, "customers.0.name"),
        ({"customers": [{"email": "a@b.example", "role": "admin"}]}, "customers.0.role"),
    ],
)
def test_bad_invitees_are_named_and_nobody_is_invited(caller: Caller, body: dict[str, Any], field: str) -> None:
    got = caller.post("/projects/IT/invitations", body)
    assert (got.status, list(got.fields)) == (400, [field])
    assert not Customer.objects.exists()


def test_the_invitations_are_listed_newest_first(caller: Caller, project: Project) -> None:
    caller.post("/projects/IT/invitations", {"customers": [{"email": f"c{n}@northwind.example"} for n in range(3)]})
    make.notification(project)
    first = caller.get("/projects/IT/invitations?limit=2").json
    second = caller.get(f"/projects/IT/invitations?limit=2&cursor={first['next']}").json
    assert [item["recipient"][:2] for item in first["items"] + second["items"]] == ["c2", "c1", "c0"]
    assert second["next"] is None
