from __future__ import annotations

from typing import Any

import pytest

from tests.api.caller import Caller
from undelivered.delivery.models import Content, DeliveryEvent, Notification
from undelivered.desk.models import Project

PATH = "/projects/IT/notifications"


def mail(**values: Any) -> dict[str, Any]:
    return {
        "kind": "request",
        "name": "Parcel ready",
        "recipient": "ann@northwind.example",
        "subject": "Your parcel",
        "text": "It is ready.",
        **values,
    }


def test_a_batch_is_stored_in_its_order_before_the_answer(caller: Caller, project: Project) -> None:
    mails = [mail(recipient=f"c{i}@northwind.example", issue_key="it-7") for i in range(120)]
    got = caller.post(PATH, {"notifications": mails})
    assert got.status == 202
    assert [set(item) for item in got.json["items"]] == [{"id", "state"}] * 120
    rows = [Notification.objects.get(pk=item["id"]) for item in got.json["items"]]
    assert [row.recipient for row in rows] == [one["recipient"] for one in mails]
    assert {(row.state, row.name, row.issue_key) for row in rows} == {("queued", "Parcel ready", "IT-7")}
    assert DeliveryEvent.objects.filter(notification_id__in=[row.id for row in rows], type="queued").count() == 120


def test_the_words_are_the_programs_own(caller: Caller, project: Project) -> None:
    given = mail(html="<p>\ue000recipient.address\ue001Hi</p>", headers={"References": "<a@b.example>"})
    got = caller.post(PATH, {"notifications": [given]})
    row = Notification.objects.get(pk=got.json["items"][0]["id"])
    words = Content.objects.get(id=row.content_id)
    assert (words.subject, words.text, words.headers) == (
        "Your parcel",
        "It is ready.",
        [["References", "<a@b.example>"]],
    )
    assert words.html == "<p>recipient.addressHi</p>"  # nobody can write a mark


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "account"),
        ("name", ""),
        ("recipient", "a@b.example\r\nBcc: c@d.example"),
        ("subject", "Hello\nBcc: c@d.example"),
        ("issue_key", "twelve"),
        ("headers", {"From": "x@y.example"}),
        ("headers", {"X-One": "a\r\nBcc: b"}),
        ("headers", {"Bad Name": "a"}),
        ("text", "\x00"),
        ("surprise", 1),
    ],
)
def test_a_bad_field_is_named_by_its_index_and_nothing_is_stored(
    caller: Caller, project: Project, field: str, value: Any
) -> None:
    got = caller.post(PATH, {"notifications": [mail(), mail(**{field: value})]})
    assert got.status == 400
    assert any(name.startswith(f"notifications.1.{field}") for name in got.fields), got.fields
    assert not Notification.objects.exists()


def test_a_mail_that_says_nothing_is_refused(caller: Caller, project: Project) -> None:
    got = caller.post(PATH, {"notifications": [mail(text=" ")]})
    assert got.status == 400
    assert not Notification.objects.exists()


@pytest.mark.parametrize("n", [0, 1001])
def test_one_to_a_thousand(caller: Caller, project: Project, n: int) -> None:
    got = caller.post(PATH, {"notifications": [mail()] * n})
    assert got.status == 400
    assert "notifications" in got.fields


def test_a_repeated_call_sends_nothing_twice(caller: Caller, project: Project) -> None:
    first = caller.post(PATH, {"notifications": [mail()]}, Idempotency_Key="night-17")
    again = caller.post(PATH, {"notifications": [mail()]}, Idempotency_Key="night-17")
    assert (again.status, again.json) == (202, first.json)
    assert Notification.objects.count() == 1
