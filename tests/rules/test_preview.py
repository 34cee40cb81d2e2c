"""Trying a template out: the preview's answer, and the test mail."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.delivery.models import Content, Kind, Notification
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import AuditEntry, Project
from undelivered.rules.events import EVENTS
from undelivered.rules.preview import preview, send_test

PROJECT = Project(id=7, key="HR", name="People & Culture", from_address="people@desk.example")


@pytest.mark.parametrize("event", EVENTS)
def test_every_default_can_be_previewed_with_nothing_left_open(event: str) -> None:
    seen = preview(PROJECT, event, "", "")
    assert seen.error == ""
    assert seen.subject
    for part in (seen.subject, seen.html, seen.text):
        assert not any("\ue000" <= c <= "\uf8ff" for c in part)
        assert "{{" not in part
    assert "People &amp; Culture" in seen.html
    assert "People & Culture" in seen.text


def test_a_preview_has_no_working_links_to_click() -> None:
    assert 'href="#"' in preview(PROJECT, "request_created", "", "").html
    assert "https://help.example" not in preview(PROJECT, "request_created", "", "").html


def test_the_size_is_that_of_the_mail_as_it_would_be_sent() -> None:
    small, large = (preview(PROJECT, "request_created", "", "x" * n).size for n in (10, 100_010))
    assert 200_000 <= large - small <= 220_000  # once as text, once as HTML, with the line ends of the encoding


def test_an_error_says_what_and_where() -> None:
    seen = preview(PROJECT, "request_created", "", "one\n{{ request.sumary }}")
    assert (seen.error_line, seen.error_field) == (2, "body")
    assert "request.summary" in seen.error
    assert seen.html == ""


def test_an_event_that_does_not_exist_is_bad_input() -> None:
    with pytest.raises(BadInput) as caught:
        preview(PROJECT, "moon_landing", "", "")
    assert "event" in caught.value.fields


@pytest.mark.django_db
def test_a_test_mail_is_a_real_notification_to_one_address() -> None:
    project = make.project("IT")
    by = By(person=make.person("mara@desk.example", name="Mara", admin_of=project))
    sent = send_test(
        project, "request_created", "Trying {{ request.key }}", "Hello {{ recipient.name }}", " mara@desk.example", by
    )
    stored = Notification.objects.get(id=sent.id)
    assert (stored.kind, stored.event, stored.recipient, stored.state) == (
        Kind.ACCOUNT,
        "test",
        "mara@desk.example",
        "queued",
    )
    content = Content.objects.get(id=stored.content_id)
    assert content.subject == "Trying IT-42"
    assert content.source == {}
    assert AuditEntry.objects.get().action == "rule.tested"


@pytest.mark.django_db
@pytest.mark.parametrize(("body", "to", "field"), [("{% if %}", "mara@desk.example", "body"), ("Hello", " ", "to")])
def test_a_test_mail_that_cannot_be_made_is_not_made(body: str, to: str, field: str) -> None:
    project = make.project("IT")
    with pytest.raises(BadInput) as caught:
        send_test(project, "request_created", "", body, to, By())
    assert list(caught.value.fields) == [field]
    assert not Notification.objects.exists()
