from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.delivery import provider_lift
from undelivered.delivery.addresses import canonical
from undelivered.delivery.models import Suppression
from undelivered.desk.actors import By
from undelivered.desk.models import AuditEntry, Project


def block(project: Project | None, address: str = "ann@northwind.example", cause: str = "manual") -> Suppression:
    return Suppression.objects.create(project=project, address=address, address_key=canonical(address), cause=cause)


def test_an_address_is_suppressed_with_a_note_and_an_end(caller: Caller) -> None:
    until = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    body = {"address": "Ann@Northwind.example", "detail": "Asked for it.", "until": until}
    got = caller.post("/projects/IT/suppressions", body)
    assert got.status == 201
    assert (got.json["address"], got.json["cause"], got.json["detail"]) == (body["address"], "manual", "Asked for it.")
    assert got.json["cause_label"]
    assert datetime.fromisoformat(got.json["until"]) == datetime.fromisoformat(until)
    assert caller.get("/projects/IT/suppressions").json["items"] == [got.json]
    assert AuditEntry.objects.get(action="suppression.added").actor == "token robot"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "address"),
        ({"address": " "}, "address"),
        ({"address": "a\x00@b.example"}, "address"),
        ({"address": "ann@northwind.example", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"address": "ann@northwind.example", "until": "2030-01-01T00:00:00"}, "until"),
        ({"address": "ann@northwind.example", "until": 1893456000}, "until"),
        ({"address": "ann@northwind.example", "until": "tomorrow"}, "until"),
        ({"address": "ann@northwind.example", "until": "9999-12-31T23:59:59-01:00"}, "until"),
        ({"address": "ann@northwind.example", "detail": "a\x00b"}, "detail"),
        ({"address": "ann@northwind.example", "detail": "x" * 1001}, "detail"),
        ({"address": "ann@northwind.example", "cause": "complaint"}, "cause"),
    ],
)
def test_a_bad_suppression_is_not_made(caller: Caller, body: dict[str, Any], field: str) -> None:
    got = caller.post("/projects/IT/suppressions", body)
    assert (got.status, list(got.fields)) == (400, [field])
    assert not Suppression.objects.exists()


def test_an_end_may_be_written_in_any_zone_there_could_be(caller: Caller) -> None:
    body = {"address": "ann@northwind.example", "until": "2099-06-01T12:00:00-20:04"}
    assert caller.post("/projects/IT/suppressions", body).json["until"] == "2099-06-02T08:04:00Z"


@pytest.mark.parametrize("by", ["id", "address", "query"])
def test_a_suppression_is_lifted_by_id_or_address(caller: Caller, project: Project, by: str) -> None:
    entry = block(project, "o'neil/x+y@northwind.example")
    address = quote("O'Neil/x+y@northwind.example", safe="")
    path = {"id": f"/{entry.pk}", "address": "/" + address.replace("%2F", "/"), "query": f"?address={address}"}[by]
    if by == "address":
        entry.delete()
        entry = block(project, "ann@northwind.example")
        path = "/Ann%40Northwind.example"
    got = caller.delete(f"/projects/IT/suppressions{path}")
    assert (got.status, got.json) == (200, {"address": entry.address, "skipped": 0, "providers": []})
    assert not Suppression.objects.exists()


def test_lifting_says_what_the_email_services_answered(
    caller: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(*whom: object, complaint: bool, by: By) -> list[provider_lift.Lifted]:
        asked.append((*whom, complaint))
        return [provider_lift.Lifted("Postmark", False, "Postmark could not be asked: no answer within 5 seconds.")]

    monkeypatch.setattr(provider_lift, "ask", ask)
    entry = block(project)
    (said,) = caller.delete(f"/projects/IT/suppressions/{entry.pk}").json["providers"]
    assert (said["provider"], said["ok"]) == ("Postmark", False)
    assert "could not be asked" in said["said"]
    assert asked == [(project, "ann@northwind.example", False)]


def test_lifting_says_how_many_notifications_were_skipped(caller: Caller, project: Project) -> None:
    entry = block(project)
    make.notification(project, entry.address, state="failed", reason="suppressed", finished_at=datetime.now(UTC))
    assert caller.delete(f"/projects/IT/suppressions/{entry.pk}").json["skipped"] == 1


def test_a_complaint_is_lifted_only_with_a_confirmation(caller: Caller, project: Project) -> None:
    entry = block(project, cause="feedback")
    got = caller.delete(f"/projects/IT/suppressions/{entry.pk}")
    assert (got.status, got.code) == (409, "confirmation_needed")
    assert "confirmed=true" in got.json["error"]["message"]
    assert caller.delete(f"/projects/IT/suppressions/{entry.pk}?confirmed=true").status == 200


def test_a_dead_mailbox_is_lifted_for_the_whole_site_by_a_projects_token(caller: Caller, project: Project) -> None:
    entry = block(None, cause="userunknown")
    make.customer(entry.address, of=project)
    assert [item["site_wide"] for item in caller.get("/projects/IT/suppressions").json["items"]] == [True]
    assert caller.delete(f"/projects/IT/suppressions/{entry.pk}").status == 200
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("cause", ["manual", "feedback"])
def test_what_else_holds_for_the_whole_site_is_not(caller: Caller, project: Project, cause: str) -> None:
    entry = block(None, cause=cause)
    for which in (str(entry.pk), "ann%40northwind.example"):
        make.notification(project, entry.address)
        assert caller.get(f"/projects/IT/suppressions/{which}").json["site_wide"]
        got = caller.delete(f"/projects/IT/suppressions/{which}?confirmed=true")
        assert (got.status, got.code) == (403, "forbidden")
    assert Suppression.objects.exists()


def test_of_the_sites_entries_a_project_sees_those_that_it_has_to_do_with(caller: Caller) -> None:
    theirs = make.notification(make.project("HR"), "ann@northwind.example")
    entry = block(None, cause="userunknown")
    Suppression.objects.update(notification_id=theirs.id)
    assert caller.get("/projects/IT/suppressions").json["items"] == []
    assert caller.get(f"/projects/IT/suppressions/{entry.pk}").status == 404
    assert caller.get("/projects/IT/suppressions/ann%40northwind.example").json["notification_id"] is None


def test_another_projects_suppressions_are_neither_shown_nor_lifted(caller: Caller) -> None:
    entry = block(make.project("HR"))
    assert caller.get("/projects/IT/suppressions").json["items"] == []
    for which in (str(entry.pk), "ann%40northwind.example"):
        assert caller.get(f"/projects/IT/suppressions/{which}").status == 404
        assert caller.delete(f"/projects/IT/suppressions/{which}").status == 404
    assert Suppression.objects.exists()


@pytest.mark.parametrize("entry", ["0", "999999", "9" * 30, "%00", "x", "²", "nobody@northwind.example"])
def test_what_is_not_on_the_list_is_404(caller: Caller, entry: str) -> None:
    assert caller.get(f"/projects/IT/suppressions/{entry}").code == "not_found"
    assert caller.delete(f"/projects/IT/suppressions/{entry}").code == "not_found"


def test_lifting_without_saying_which_is_400(caller: Caller) -> None:
    got = caller.delete("/projects/IT/suppressions")
    assert (got.status, list(got.fields)) == (400, ["address"])


def test_the_list_is_searched_and_paged(caller: Caller, project: Project) -> None:
    for name in ("ann@northwind.example", "bo@northwind.example", "ann@fabrikam.example"):
        block(project, name)
    first = caller.get("/projects/IT/suppressions?limit=2").json
    second = caller.get(f"/projects/IT/suppressions?limit=2&cursor={first['next']}").json
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]
    for q, n in (("ann", 2), ("%40northwind.example", 2), ("ann%40n", 1), ("zoe", 0)):
        assert len(caller.get(f"/projects/IT/suppressions?q={q}").json["items"]) == n


def test_the_list_is_filtered_by_cause(caller: Caller, project: Project) -> None:
    block(project, "ann@northwind.example", "feedback")
    block(project, "bo@northwind.example")
    items = caller.get("/projects/IT/suppressions?cause=feedback").json["items"]
    assert [item["address"] for item in items] == ["ann@northwind.example"]
    assert caller.get("/projects/IT/suppressions?cause=%00").status == 400


def test_another_list_is_imported_in_one_call_and_twice_is_once(caller: Caller, project: Project) -> None:
    block(project, "bo@northwind.example")
    block(project, "cy@northwind.example")
    entries = [
        {"address": "Ann@Northwind.example", "cause": "userunknown", "detail": "550", "since": "2026-01-02T00:00:00Z"},
        {"address": "ann@northwind.example"},
        {"address": "bo@northwind.example", "cause": "feedback"},
        {"address": "cy@northwind.example", "cause": "userunknown"},
    ]
    got = caller.post("/projects/IT/suppressions/import", {"suppressions": entries})
    assert (got.status, got.json) == (200, {"new": 1, "complaints": 1, "there": 1, "twice": 1})
    again = caller.post("/projects/IT/suppressions/import", {"suppressions": entries})
    assert again.json == {"new": 0, "complaints": 0, "there": 3, "twice": 1}
    shown = caller.get("/projects/IT/suppressions/Ann%40Northwind.example").json
    assert (shown["cause"], shown["detail"], shown["since"]) == ("userunknown", "550", "2026-01-02T00:00:00Z")
    assert caller.get("/projects/IT/suppressions/bo%40northwind.example").json["cause"] == "feedback"
    assert AuditEntry.objects.filter(action="suppression.imported", actor="token robot").count() == 2


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({}, "address"),
        ({"address": "a@b.example", "cause": "spamdetected"}, "cause"),
        ({"address": "a@b.example", "until": "2020-01-01T00:00:00Z"}, "until"),
        ({"address": "a@b.example", "since": "yesterday"}, "since"),
        ({"address": "a@b.example", "site_wide": True}, "site_wide"),
    ],
)
def test_an_import_with_one_bad_entry_imports_none(caller: Caller, entry: dict[str, Any], field: str) -> None:
    good = {"address": "ann@northwind.example"}
    got = caller.post("/projects/IT/suppressions/import", {"suppressions": [good, entry]})
    assert (got.status, list(got.fields)) == (400, [f"suppressions.1.{field}"])
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("n", [0, 10_001])
def test_an_import_has_some_entries_and_not_too_many(caller: Caller, n: int) -> None:
    got = caller.post("/projects/IT/suppressions/import", {"suppressions": [{"address": "a@b.example"}] * n})
    assert (got.status, list(got.fields)) == (400, ["suppressions"])
