from __future__ import annotations

from typing import Any

import pytest

from tests.api.caller import Caller
from undelivered.desk.models import AuditEntry
from undelivered.rules.events import EVENTS
from undelivered.rules.models import Rule


def test_a_project_has_a_rule_for_every_event(caller: Caller) -> None:
    items = caller.get("/projects/IT/rules").json["items"]
    assert [item["event"] for item in items] == list(EVENTS)
    first = items[0]
    assert first["label"]
    assert first["meaning"]
    assert (first["enabled"], first["subject"], first["body"]) == (True, "", "")
    assert first["recipients"] == list(EVENTS[first["event"]].default_recipients)
    assert first["default_subject"]
    assert first["default_body"]


def test_a_rule_is_changed_in_what_is_given_alone(caller: Caller) -> None:
    got = caller.patch("/projects/IT/rules/request_created", {"enabled": False, "name": "We have it"})
    assert got.status == 200
    assert (got.json["enabled"], got.json["name"], got.json["subject"]) == (False, "We have it", "")
    got = caller.patch("/projects/IT/rules/request_created", {"subject": "[{{ request.key }}] Received"})
    assert (got.json["enabled"], got.json["subject"]) == (False, "[{{ request.key }}] Received")
    assert caller.get("/projects/IT/rules/request_created").json == got.json
    assert AuditEntry.objects.filter(action="rule.changed", actor="token robot").count() == 2


def test_several_rules_are_changed_at_once(caller: Caller) -> None:
    changes = [{"event": "request_created", "enabled": False}, {"event": "status_changed", "enabled": False}]
    got = caller.patch("/projects/IT/rules", {"rules": changes})
    assert got.status == 200
    off = {item["event"] for item in got.json["items"] if not item["enabled"]}
    assert off == {"request_created", "status_changed"}


def test_if_one_of_several_cannot_be_changed_none_is(caller: Caller) -> None:
    changes = [{"event": "request_created", "enabled": False}, {"event": "status_changed", "body": "{% if %}"}]
    got = caller.patch("/projects/IT/rules", {"rules": changes})
    assert (got.status, list(got.fields)) == (400, ["rules.1.body"])
    assert not Rule.objects.filter(enabled=False).exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"enabled": "no"}, "enabled"),
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"body": "{{ request.key"}, "body"),
        ({"subject": "{{ nothing.like_this }}"}, "subject"),
        ({"recipients": ["everybody"]}, "recipients"),
        ({"recipients": []}, "recipients"),
        ({"recipients": ["reporter"] * 11}, "recipients"),
        ({"template": "x"}, "template"),
    ],
)
def test_a_bad_change_of_a_rule_changes_nothing(caller: Caller, change: dict[str, Any], field: str) -> None:
    before = caller.get("/projects/IT/rules/request_created").json
    got = caller.patch("/projects/IT/rules/request_created", {"enabled": False, **change})
    assert (got.status, list(got.fields)) == (400, [field])
    assert caller.get("/projects/IT/rules/request_created").json == before


def test_an_event_that_does_not_exist_is_404_in_a_path_and_400_in_a_body(caller: Caller) -> None:
    assert caller.get("/projects/IT/rules/party").code == "not_found"
    assert caller.patch("/projects/IT/rules/party", {"enabled": True}).code == "not_found"
    got = caller.patch("/projects/IT/rules", {"rules": [{"event": "party", "enabled": True}]})
    assert (got.status, list(got.fields)) == (400, ["rules.0.event"])
