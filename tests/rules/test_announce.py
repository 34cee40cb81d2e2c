"""The plan that a page shows before it acts, and the words around a mail."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import mime, suppression
from undelivered.delivery.models import Content, Notification, NotSent
from undelivered.desk.actors import By
from undelivered.desk.models import OptOut
from undelivered.rules import act
from undelivered.rules.announce import plan
from undelivered.rules.invite import Invitee, invite
from undelivered.rules.models import Rule
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db


def test_a_plan_names_who_will_be_mailed_and_why_the_others_will_not() -> None:
    project = make.project("IT")
    ann, petra, priya, bo = (make.customer(f"{name}@northwind.example") for name in ("ann", "petra", "priya", "bo"))
    request = make.request(project, ann, participants=(petra, priya, bo))
    suppression.add(project, ann.address, by=By(), cause=Cause.USER_UNKNOWN.value)
    OptOut.objects.create(request=request, customer=priya)
    planned = plan(request, ["public_comment_added"], By(customer=bo))
    assert [(one.customer, one.told, one.cause) for one in planned] == [
        (ann, False, "blocked"),
        (petra, True, ""),
        (priya, False, "opted_out"),
        (bo, False, "own_activity"),
    ]
    assert not Notification.objects.exists()
    assert not NotSent.objects.exists()


def test_a_plan_counts_whoever_hears_of_one_event_as_told() -> None:
    project = make.project("IT")
    ann = make.customer("ann@northwind.example")
    request = make.request(project, ann)
    OptOut.objects.create(request=request, customer=ann)
    [planned] = plan(request, ["public_comment_added", "request_resolved"], By())
    assert planned.told


def test_an_event_that_reaches_nobody_says_that_there_is_nobody() -> None:
    project = make.project("IT")
    request = make.request(project)
    rules_of(project)
    Rule.objects.filter(project=project, event="status_changed").update(recipients=["participants"])
    done = act.update_request(request, status="waiting", by=By())
    assert [(row.recipient, row.cause) for row in done.not_told] == [("", "no_recipient")]


def test_the_mail_says_whom_it_is_from_and_why_one_gets_it() -> None:
    project = make.project("IT", name='IT "Help"\r\nDesk', from_name="")
    act.update_request(make.request(project), comment="Hello", by=By())
    content = Content.objects.get()
    assert content.from_name == 'IT "Help" Desk'
    assert "You get this mail because you take part in the request IT-1" in content.text
    assert 'href="\ue000notifications_off.url\ue001"' in content.html
    assert content.html.startswith("<!DOCTYPE html>")
    assert content.html.count("<style") == 1


def test_whose_mail_has_the_mail_programs_button_to_turn_it_off() -> None:
    project = make.project("IT")
    ann, petra = make.customer("ann@northwind.example"), make.customer("petra@northwind.example")
    request = make.request(project, ann, participants=(petra,))
    act.update_request(request, comment="Done at last.", by=By())
    act.update_request(request, status="resolved", by=By())
    invite(project, [Invitee("bo@northwind.example")], by=By())
    assert {(row.name, row.recipient[:3], "List-Unsubscribe" in mail(row)) for row in Notification.objects.all()} == {
        ("Public comment added", "ann", True),
        ("Public comment added", "pet", True),
        ("Request resolved", "ann", False),  # its reporter hears of it in any case
        ("Request resolved", "pet", True),
        ("Customer invited", "bo@", False),
    }


def mail(row: Notification) -> Message:
    content = Content.objects.get(pk=row.content_id)
    return message_from_bytes(mime.write(content, row, id=row.id, at=row.created_at))


def test_a_hostile_project_name_and_summary_stay_text() -> None:
    project = make.project("IT", name="<img src=x onerror=alert(1)>")
    act.update_request(make.request(project, summary="</title><script>alert(1)</script>"), comment="[[body]]", by=By())
    html = Content.objects.get().html
    assert "<script" not in html
    assert "<img" not in html
    assert "[[body]]" in html
