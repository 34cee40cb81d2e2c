from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import make
from tests.api.caller import Caller
from undelivered.database import ids
from undelivered.delivery.models import DeliveryEvent, Kind, Notification, Suppression
from undelivered.desk.models import Project

NAMED = (
    "id kind name recipient recipient_name issue_key state reason reason_label detail cause smtp_code enhanced_code "
    "attempts next_attempt_at created_at resend_of resent_as message_id size"
)


def failed(project: Project, recipient: str = "ann@northwind.example", **values: Any) -> Notification:
    given = {"state": "failed", "reason": "provider_error", "detail": "550 no such user", "cause": "userunknown"}
    return make.notification(project, recipient, **{**given, "smtp_code": 550, "enhanced_code": "5.1.1", **values})


def recipients(caller: Caller, query: str = "") -> list[str]:
    got = caller.get(f"/projects/IT/notifications?{query}")
    assert got.status == 200, got.body
    return [item["recipient"] for item in got.json["items"]]


def test_a_row_of_the_log_says_who_what_and_why(caller: Caller, project: Project) -> None:
    row = failed(project, issue_key="IT-1", recipient_name="Ann", attempts=2, size=900, message_id="<1@desk.example>")
    item = caller.get("/projects/IT/notifications").json["items"][0]
    assert set(NAMED.split()) <= set(item)
    assert item["id"] == str(row.id)
    assert (item["kind"], item["name"], item["issue_key"]) == ("request", "Request created", "IT-1")
    assert (item["recipient"], item["recipient_name"]) == ("ann@northwind.example", "Ann")
    assert (item["state"], item["reason"]) == ("failed", "provider_error")
    assert item["reason_label"] == "Error from email service provider"
    assert (item["detail"], item["cause"]) == ("550 no such user", "userunknown")
    assert item["cause_label"] == "Mailbox does not exist"
    assert (item["smtp_code"], item["enhanced_code"], item["attempts"]) == (550, "5.1.1", 2)
    assert (item["size"], item["message_id"]) == (900, "<1@desk.example>")
    assert item["next_attempt_at"] is None
    assert datetime.fromisoformat(item["created_at"]) == row.created_at


def test_what_waits_says_when_it_is_tried_next(caller: Caller, project: Project) -> None:
    row = make.notification(project, state="queued", due_at=datetime(2030, 1, 1, tzinfo=UTC), attempts=1)
    item = caller.get("/projects/IT/notifications").json["items"][0]
    assert item["next_attempt_at"] == "2030-01-01T00:00:00Z"
    assert item["reason"] is None
    assert item["reason_label"] is None
    assert item["id"] == str(row.id)


def test_the_log_shows_every_state_and_kind_unless_asked(caller: Caller, project: Project) -> None:
    failed(project, "a@northwind.example")
    make.notification(project, "b@northwind.example", state="sent", kind="invitation", event="customer_invited")
    assert recipients(caller) == ["b@northwind.example", "a@northwind.example"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("kind=invitation", ["b"]),
        ("kind=request", ["c", "a"]),
        ("state=failed", ["c", "a"]),
        ("state=sent", ["b"]),
        ("reason=suppressed", ["c"]),
        ("reason=provider_error&kind=request", ["a"]),
        ("name=Request%20resolved", ["c"]),
        ("issue_key=IT-7", ["c"]),
        ("issue_key=it-7", ["c"]),
        ("recipient=A@Northwind.example", ["a"]),
        ("recipient=@fabrikam.example", ["b"]),
        ("recipient=c@*", ["c"]),
        ("recipient=nobody@northwind.example", []),
        ("since=2020-01-01", ["c", "b", "a"]),
        ("since=2999-01-01T00:00:00Z", []),
        ("until=2020-01-01T00:00:00Z", []),
        ("until=2999-01-01T00:00:00%2B01:00", ["c", "b", "a"]),
        ("until=2999-01-01T00:00:00+01:00", ["c", "b", "a"]),  # a + in a URL is a blank
        ("since=0001-01-01T00:00:00Z", ["c", "b", "a"]),
        ("until=9999-12-31T23:59:59Z", ["c", "b", "a"]),
    ],
)
def test_filters_narrow_the_log(caller: Caller, project: Project, query: str, found: list[str]) -> None:
    failed(project, "a@northwind.example")
    make.notification(project, "b@fabrikam.example", state="sent", kind="invitation", event="customer_invited")
    failed(project, "c@northwind.example", reason="suppressed", name="Request resolved", issue_key="IT-7")
    assert [address[0] for address in recipients(caller, query)] == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=mail", "kind"),
        ("state=lost", "state"),
        ("reason=none", "reason"),
        ("since=yesterday", "since"),
        ("since=2026-11-23T10:00:00", "since"),
        ("since=2026-02-30", "since"),
        ("since=1e9", "since"),
        ("until=10000-01-01T00:00:00Z", "until"),
        ("since=2026-11-23&until=2026-11-22", "until"),
        ("issue_key=banana", "issue_key"),
        ("recipient=%00", "recipient"),
        ("name=%0A", "name"),
        ("cursor=banana", "cursor"),
        ("cursor=00000000000000000000000000000000", "cursor"),
        ("cursor=0199d1c47d2e4c319b1a5f0e2d4c6b8a", "cursor"),
        ("limit=1000", "limit"),
    ],
)
def test_a_filter_that_cannot_be_is_400_and_named(caller: Caller, query: str, field: str) -> None:
    got = caller.get(f"/projects/IT/notifications?{query}")
    assert (got.status, list(got.fields)) == (400, [field])


def test_a_cursor_leads_through_the_log_without_gap_or_repetition(caller: Caller, project: Project) -> None:
    rows = [failed(project, f"c{n}@northwind.example") for n in range(5)]
    seen, query = [], "limit=2"
    while query:
        page = caller.get(f"/projects/IT/notifications?{query}").json
        seen += [item["id"] for item in page["items"]]
        query = f"limit=2&cursor={page['next']}" if page["next"] else ""
    assert seen == [str(row.id) for row in reversed(rows)]


def test_a_cursor_of_rows_that_are_no_longer_kept_is_400(caller: Caller) -> None:
    old = ids.lowest(datetime.now(UTC) - timedelta(days=60)).int | 0x7 << 76 | 0x2 << 62
    got = caller.get(f"/projects/IT/notifications?cursor={old:032x}")
    assert (got.status, list(got.fields)) == (400, ["cursor"])


def test_the_log_costs_the_same_number_of_queries_whatever_its_length(
    caller: Caller, project: Project, django_assert_num_queries: Any
) -> None:
    for n in range(3):
        failed(project, f"c{n}@northwind.example")
    caller.get("/projects/IT/notifications")  # notes the token's use
    for expected in (3, 9):
        with django_assert_num_queries(len(Kind) + 1):  # a page of each kind, and the token's statement
            assert len(recipients(caller)) == expected
        for n in range(6):
            failed(project, f"d{n}@northwind.example")


def test_one_notification_comes_with_its_history_and_the_next_step(caller: Caller, project: Project) -> None:
    row = failed(project)
    for n, type in enumerate(("queued", "refused")):
        data = {"detail": f"line {n}", "code": 550}
        DeliveryEvent.objects.create(
            notification_id=row.id, event_key=f"{n}", at=datetime.now(UTC), type=type, attempt=n, data=data
        )
    got = caller.get(f"/notifications/{row.id}").json
    assert [event["type"] for event in got["events"]] == ["queued", "refused"]
    assert got["events"][1] == {
        **got["events"][1],
        "label": "Refused",
        "attempt": 1,
        "detail": "line 1",
        "data": {"code": 550},
    }
    assert set(got["next_step"]) == {"title", "text", "action"}
    assert got["next_step"]["text"]
    assert got["recipient"] == "ann@northwind.example"


@pytest.mark.parametrize(
    "id",
    [
        "x",
        "1",
        "6ba7b814-9dad-41d1-80b4-00c04fd430c8",
        "0" * 32,
        "f" * 32,
        "ffffffff-ffff-7fff-bfff-ffffffffffff",
        "%00",
        "..%2f",
        "{}",
        "💩",
    ],
)
def test_what_is_no_notification_is_404(caller: Caller, id: str) -> None:
    assert caller.get(f"/notifications/{id}").code == "not_found"
    assert caller.post(f"/notifications/{id}/resend").code == "not_found"


def test_a_notification_that_is_no_longer_kept_is_404(caller: Caller) -> None:
    old = ids.uuid7_at(datetime.now(UTC) - timedelta(days=60))
    assert caller.get(f"/notifications/{old}").status == 404


def test_resending_makes_a_new_notification_that_names_the_old(caller: Caller, project: Project) -> None:
    old = failed(project)
    got = caller.post(f"/notifications/{old.id}/resend")
    assert got.status == 201
    assert (got.json["resend_of"], got.json["state"], got.json["lifted"]) == (str(old.id), "queued", [])
    assert caller.get(f"/notifications/{old.id}").json["resent_as"] == got.json["id"]


def test_resending_lifts_the_suppression_and_says_so(caller: Caller, project: Project) -> None:
    old = failed(project, reason="suppressed")
    Suppression.objects.create(
        project=project, address=old.recipient, address_key=old.recipient_key, cause="userunknown"
    )
    assert caller.post(f"/notifications/{old.id}/resend").json["lifted"] == ["ann@northwind.example"]
    assert not Suppression.objects.exists()


def test_resending_to_a_corrected_address(caller: Caller, project: Project) -> None:
    old = failed(project, "ann.northwind.example", reason="email_validation_error")
    got = caller.post(f"/notifications/{old.id}/resend", {"address": "ann@northwind.example"})
    assert (got.status, got.json["recipient"]) == (201, "ann@northwind.example")


def test_resending_twice_is_a_conflict(caller: Caller, project: Project) -> None:
    old = failed(project)
    caller.post(f"/notifications/{old.id}/resend")
    got = caller.post(f"/notifications/{old.id}/resend")
    assert (got.status, got.code) == (409, "conflict")
    assert "resent already" in got.json["error"]["message"]


@pytest.mark.parametrize("body", [{"address": ""}, {"address": "a\nb"}, {"address": 5}, {"adress": "a@b.example"}])
def test_resending_with_a_bad_address_changes_nothing(caller: Caller, project: Project, body: dict[str, Any]) -> None:
    old = failed(project)
    got = caller.post(f"/notifications/{old.id}/resend", body)
    assert (got.status, list(got.fields)) == (400, list(body))
    assert Notification.objects.count() == 1
