"""Arrivals: a bounce came, and this is what it did. Each project sees its own; what came in is shown as text."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from tests import make
from undelivered.database import ids
from undelivered.delivery.models import Notification
from undelivered.desk.models import Person, Project
from undelivered.inbound import kept
from undelivered.inbound.models import Arrival, Made, Mailbox

pytestmark = pytest.mark.django_db
ANN = "ann@northwind.example"
EVIL = b"Subject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<img src=https://evil.example/x.png>\xff\x00\x1b"


@pytest.fixture
def it() -> Project:
    return make.project("IT")


@pytest.fixture
def mara(client: Client, it: Project) -> Person:
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


@pytest.fixture
def row(it: Project) -> Notification:
    failed = {"state": "failed", "reason": "provider_error", "cause": "userunknown"}
    return make.notification(it, ANN, name="Public comment added", issue_key="IT-7", **failed)


def entry(row: Notification | None, **values: Any) -> dict[str, Any]:
    about = {"notification": str(row.id), "recipient": row.recipient} if row else {}
    return {"said": "bounced", "did": "changed", "evidence": "return_path", "cause": "userunknown", **about, **values}


def arrived(project: Project | None, row: Notification | None = None, **values: Any) -> Arrival:
    defaults = {
        "door": "smtp",
        "about": {"from": "", "to": "b-x@bounces.desk.example", "peer": "192.0.2.7", "helo": "mx.northwind.example"},
        "raw": b"Subject: Undelivered Mail\r\n\r\nno such user\r\n",
        "state": Made.APPLIED,
        "kind": "failure",
        "recipient": row.recipient if row else "",
        "notification_id": row.id if row else None,
        "evidence": "return_path" if row else "",
        "cause": "userunknown" if row else "",
        "detail": "The notification failed: mailbox does not exist.",
        "result": [entry(row)] if row else [],
    }
    return Arrival.objects.create(project_id=project.pk if project else None, **{**defaults, **values})


def listing(client: Client, **query: str) -> Any:
    return client.get(reverse("arrivals", args=["IT"]), query)


def one(client: Client, arrival: Arrival) -> Any:
    return client.get(reverse("arrival", args=["IT", arrival.id]))


def test_agents_are_kept_out_and_another_projects_arrivals_are_not_found(client: Client, it: Project) -> None:
    client.force_login(make.person(agent_of=it))
    assert listing(client).status_code == 403
    client.force_login(make.person(admin_of=it))
    for other in (arrived(make.project("HR")), arrived(None)):
        assert one(client, other).status_code == 404
    assert client.get(reverse("arrival", args=["IT", uuid4()])).status_code == 404


def test_a_row_says_what_came_from_whom_about_what_and_what_it_did(
    client: Client, it: Project, mara: Person, row: Notification
) -> None:
    arrived(it, row, result=[entry(row, suppressed=True)])
    text = listing(client).text
    for words in (
        "Bounce",
        "SMTP, from mx.northwind.example",
        reverse("notification", args=["IT", row.id]),
        "Public comment added · IT-7",
        "Bounced",
        "Now suppressed",
        "The notification failed: mailbox does not exist.",
        "Kept for 21 days.",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {
                "door": "webhook",
                "about": {"esp": "postmark"},
                "kind": "SpamComplaint",
                "result": [{"said": "complained", "did": "known"}],
            },
            ["Complaint", "Postmark's webhook"],
        ),
        (
            {"door": "webhook", "about": {"esp": "gone"}, "kind": "link_ClickTracked"},
            ["Link ClickTracked", "gone's webhook"],
        ),
        ({"door": "mailbox", "about": {"mailbox": 999}}, ["A mailbox that was removed"]),
        ({"door": "pipe", "about": {}, "kind": "auto_reply", "state": Made.IGNORED}, ["Automatic answer", "Ignored"]),
        ({"state": Made.NEW, "kind": "", "detail": ""}, ["Not read yet"]),
        ({"state": Made.BROKEN, "kind": ""}, ["Unreadable"]),
        ({"state": Made.UNMATCHED}, ["Bounce", "Unmatched"]),
    ],
)
def test_every_kind_of_thing_that_comes_has_its_words(
    client: Client, it: Project, mara: Person, values: dict[str, Any], words: list[str]
) -> None:
    arrival = arrived(it, **values)
    for answer in (listing(client), one(client, arrival)):
        for word in words:
            assert escape(word) in answer.text


@pytest.mark.parametrize(
    ("said", "badge"),
    [
        ("bounced", "badge--failed"),
        ("complained", "badge--complained"),
        ("delivered", "badge--delivered"),
        ("delayed", "badge--retrying"),
    ],
)
def test_what_it_did_has_the_colour_of_what_it_said(
    client: Client, it: Project, mara: Person, row: Notification, said: str, badge: str
) -> None:
    arrival = arrived(it, row, result=[entry(row, said=said, did="noted")])
    assert badge in listing(client).text
    assert badge in one(client, arrival).text


def test_a_mailbox_is_named(client: Client, it: Project, mara: Person) -> None:
    box = Mailbox.objects.create(project=it, name="Bounces of the desk", url="imaps://x@imap.example/")
    arrived(it, door="mailbox", about={"mailbox": box.pk})
    assert "Mailbox Bounces of the desk" in listing(client).text


def test_filters_and_further_rows_are_in_the_address(
    client: Client, it: Project, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PAGE", 2)
    made = [arrived(it, door="webhook", recipient=f"a{n}@x.example") for n in range(3)]
    arrived(it)
    first = listing(client, door="webhook", recipient="@x.example")
    assert [row.arrival for row in first.context["rows"]] == made[:0:-1]
    assert first.context["more"] == f"?door=webhook&recipient=%40x.example&before={made[1].id.hex}"
    second = client.get(reverse("arrivals", args=["IT"]) + first.context["more"])
    assert [row.arrival for row in second.context["rows"]] == [made[0]]
    assert "These are not the newest." in second.text
    assert "Nothing matches" in listing(client, made="broken").text


@pytest.mark.parametrize("values", [{"before": "x"}, {"before": "\0"}])
def test_a_made_up_cursor_is_refused_with_the_way_back(
    client: Client, it: Project, mara: Person, values: dict[str, str]
) -> None:
    answer = listing(client, **values)
    assert answer.status_code == 400
    assert "Show the newest" in answer.text


@pytest.mark.parametrize("values", [{"made": "\0"}, {"door": "x" * 999}, {"recipient": "\0<script>"}])
def test_made_up_filters_find_nothing_and_do_no_harm(
    client: Client, it: Project, mara: Person, values: dict[str, str]
) -> None:
    answer = listing(client, **values)
    assert answer.status_code == 200
    assert "<script>" not in answer.text.replace("<script src", "")


def test_the_page_says_by_what_evidence_and_what_followed(
    client: Client, it: Project, mara: Person, row: Notification
) -> None:
    other = entry(row, did="other_recipient", recipient="bo@northwind.example", said="bounced")
    text = one(client, arrived(it, row, result=[entry(row, suppressed=True), other])).text
    for words in (
        "Bounce about ",
        "state changed.",
        "Public comment added to ",
        "Signed return path",
        "Mailbox does not exist",
        "Now suppressed",
        "Nothing changed",
        "The notification went to another address",
        "bo<wbr>@northwind.example",
        "192.0.2.7",
        "&lt;&gt;",
    ):
        assert words in text
    assert reverse("suppressions", args=["IT"]) + "?q=ann%40northwind.example" in text


def test_what_nobody_can_act_on_says_why(client: Client, it: Project, mara: Person) -> None:
    why = "An automatic answer, such as an absence note: the mail was delivered."
    text = one(client, arrived(it, state=Made.IGNORED, kind="auto_reply", detail=why, result=[{"why": why}])).text
    assert why in text
    assert "Ignored" in text


def test_a_notification_that_is_no_longer_kept_is_not_linked(client: Client, it: Project, mara: Person) -> None:
    gone = Notification(id=ids.uuid7(), recipient=ANN)
    said = "The notification is no longer kept."
    arrival = arrived(it, gone, detail=said, result=[entry(gone, did="gone")])
    assert "no longer kept" in listing(client).text
    text = one(client, arrival).text
    assert said in text
    assert str(gone.id) not in text


def test_another_projects_notification_is_not_shown(client: Client, it: Project, mara: Person) -> None:
    other = make.notification(make.project("HR"), "secret@x.example", name="Salary")
    arrival = arrived(it, None, notification_id=other.id, result=[entry(other, recipient="")])
    assert "Salary" not in listing(client).text + one(client, arrival).text


def test_what_names_nobody_says_so(client: Client, it: Project, mara: Person) -> None:
    arrived(it, state=Made.UNMATCHED)
    assert "Nobody in particular" in listing(client).text


def test_what_came_in_is_text_and_nothing_else(client: Client, it: Project, mara: Person) -> None:
    answer = one(client, arrived(it, raw=EVIL))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "<img src=https" not in answer.text
    assert "\x00" not in answer.text
    assert "\x1b" not in answer.text
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_a_long_mail_is_shown_in_part_and_says_so(client: Client, it: Project, mara: Person) -> None:
    answer = one(client, arrived(it, raw=b"x" * 200_000 + b"END", about={"size": 30_000_000}))
    assert "The first 64.0 KB of 28.6 MB" in answer.text
    assert "END" not in answer.text


def test_an_event_is_shown_as_json_in_lines(client: Client, it: Project, mara: Person) -> None:
    raw = json.dumps({"RecordType": "Bounce", "Email": ANN, "name": "ü"}).encode()
    answer = one(client, arrived(it, door="webhook", kind="bounced", raw=raw, about={"esp": "postmark"}))
    assert escape('{\n  "RecordType": "Bounce",') in answer.text
    assert "The event, as it came" in answer.text
    assert "The provider&#x27;s word" in answer.text
    assert "ü" in answer.text


@pytest.mark.parametrize("raw", [b"{", b"", b"[" * 60_000, b"\xff\xfe"])
def test_an_event_that_is_no_json_is_shown_as_it_is(client: Client, it: Project, mara: Person, raw: bytes) -> None:
    assert one(client, arrived(it, door="webhook", raw=raw)).status_code == 200


def test_no_arrival_yet_says_what_would_show_here(client: Client, it: Project, mara: Person) -> None:
    assert "Nothing came back" in listing(client).text


def test_only_site_admins_see_what_is_nobodys(client: Client, it: Project, mara: Person) -> None:
    arrival = arrived(
        None, state=Made.UNMATCHED, kind="failure", recipient="who@x.example", detail="Nothing in it names"
    )
    mine = arrived(it)
    pages = [reverse("system-arrivals"), reverse("system-arrival", args=[arrival.id])]
    assert [client.get(page).status_code for page in pages] == [403, 403]
    client.force_login(make.person(is_site_admin=True))
    for page in pages:
        assert "Nothing in it names" in client.get(page).text
    assert str(mine.id) not in client.get(pages[0]).text
    assert client.get(reverse("system-arrival", args=[mine.id])).status_code == 404


def test_the_system_page_counts_what_is_nobodys(client: Client, it: Project) -> None:
    client.force_login(make.person(is_site_admin=True))
    assert "Every bounce and event that came in is somebody" in client.get(reverse("system")).text
    arrived(None, state=Made.UNMATCHED)
    text = client.get(reverse("system")).text
    assert "Look at them" in text
    assert reverse("system-arrivals") in text


def test_a_page_of_arrivals_takes_few_queries_however_many_there_are(
    client: Client, it: Project, mara: Person, row: Notification, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        arrived(it, row)
    with django_assert_max_num_queries(14):
        listing(client)
