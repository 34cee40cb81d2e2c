"""Lifting a suppression asks the email services, too: which of them, what they said; and nothing waits for them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import make
from undelivered.delivery import provider_lift, providers, suppression
from undelivered.delivery.models import Notification
from undelivered.delivery.provider_lift import Lifted, ask
from undelivered.delivery.providers import FALLBACK
from undelivered.delivery.resend import resend
from undelivered.delivery.transports import esp_lists
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry
from undelivered.rules.invite import resend_invite

pytestmark = pytest.mark.django_db
ADDRESS = "ann@northwind.example"


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each service says: a pair, or an exception; and whom it was asked about."""
    found: dict[str, Any] = {"asked": [], "complaints": []}

    async def take_off(settings: Any, address: str, *, complaint: bool) -> tuple[bool, str]:
        found["asked"].append((settings.esp.name, address))
        found["complaints"].append(complaint)
        answer = found.get(settings.esp.name, (True, f"{settings.esp.label} took it off its list, too."))
        if isinstance(answer, Exception):
            raise answer
        if answer == "nothing":
            await asyncio.sleep(60)
        return answer  # type: ignore[no-any-return]

    monkeypatch.setattr(esp_lists, "take_off", take_off)
    return found


def put(project: Any, url: str, **options: Any) -> None:
    providers.set_provider(project, url, by=UNDELIVERED, password="hush" if url.startswith("esp") else None, **options)


def test_the_projects_own_services_are_asked_and_else_the_sites(says):
    project = make.project("IT")
    put(None, "esp://brevo")
    assert ask(project, ADDRESS) == [Lifted("Brevo", True, "Brevo took it off its list, too.")]
    put(project, "esp://postmark")
    put(project, "esp://resend", rank=FALLBACK)
    assert [one.provider for one in ask(project, ADDRESS)] == ["Postmark", "Resend"]
    assert [one.provider for one in ask(None, ADDRESS)] == ["Brevo"]


def test_an_smtp_server_has_no_list_to_be_asked_about(says):
    put(None, "smtp://mail.example.com")
    assert ask(make.project("IT"), ADDRESS) == []
    assert not AuditEntry.objects.filter(action="suppression.asked").exists()


def test_what_was_said_is_in_the_audit_log(says):
    project = make.project("IT")
    put(project, "esp://postmark")
    ask(project, ADDRESS)
    entry = AuditEntry.objects.get(action="suppression.asked")
    assert (entry.project, entry.target) == (project, ADDRESS)
    assert entry.detail == {"said": {"Postmark": "Postmark took it off its list, too."}}


def test_one_that_does_not_answer_keeps_nobody_waiting_and_none_of_the_others_from_being_asked(says, monkeypatch):
    monkeypatch.setattr(provider_lift, "ASK_S", 0.05)
    project = make.project("IT")
    put(project, "esp://postmark")
    put(project, "esp://resend", rank=FALLBACK)
    for answer, words in (
        ("nothing", "no answer within 0.05 seconds"),
        (ValueError("wrong"), "wrong"),
        (KeyError("x"), "x"),
    ):
        says["postmark"] = answer
        first, second = ask(project, ADDRESS)
        assert (first.ok, second.ok) == (False, True)
        assert first.sentence.startswith("Postmark could not be asked: ")
        assert words in first.sentence


def test_a_secret_that_cannot_be_read_is_told(says, settings):
    put(None, "esp://postmark")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    (one,) = ask(None, ADDRESS)
    assert "another secret key" in one.sentence


def test_whether_lists_of_complaints_are_asked_is_said(says):
    put(None, "esp://postmark")
    ask(None, ADDRESS)
    ask(None, ADDRESS, complaint=True)
    assert says["complaints"] == [False, True]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was begun in the background."""
    found: list[dict[str, Any]] = []

    def in_background(project: Any, asked: Any, by: Any, complaint: bool) -> None:
        found.append({"project": project, "asked": asked, "by": by, "complaint": complaint})

    monkeypatch.setattr(provider_lift, "_in_background", in_background)
    monkeypatch.setattr(provider_lift.connections, "close_all", lambda: None)
    return found


def test_a_resend_asks_first_and_its_mail_waits_for_the_answer(says, begun, django_capture_on_commit_callbacks):
    project = make.project("IT")
    put(project, "esp://postmark")
    old = make.notification(project, ADDRESS, state="failed", reason="suppressed", cause="suppressed")
    with django_capture_on_commit_callbacks(execute=True):
        (new,) = resend(project, [old.id], by=UNDELIVERED).new
        assert not begun
    assert begun == [{"project": project, "asked": {new.id: ADDRESS}, "by": UNDELIVERED, "complaint": False}]
    assert due(new.id) > timezone.now() + timedelta(seconds=5)
    provider_lift._ask_each(**begun[0])
    assert says["asked"] == [("postmark", ADDRESS)]
    assert due(new.id) <= timezone.now()


def test_so_does_one_that_lifts_what_we_blocked_ourselves(says, begun, django_capture_on_commit_callbacks):
    project = make.project("IT")
    put(project, "esp://postmark")
    suppression.add(project, ADDRESS, by=UNDELIVERED)
    old = make.notification(project, ADDRESS, state="failed", reason="suppressed")
    with django_capture_on_commit_callbacks(execute=True):
        resend(project, [old.id], by=UNDELIVERED)
    assert len(begun) == 1


def test_a_resend_that_no_list_stands_against_waits_for_nobody(says, begun, django_capture_on_commit_callbacks):
    project = make.project("IT")
    old = make.notification(project, ADDRESS, state="failed", reason="suppressed", cause="suppressed")
    with django_capture_on_commit_callbacks(execute=True):  # to an SMTP server
        put(project, "smtp://mail.example.com")
        (new,) = resend(project, [old.id], by=UNDELIVERED).new
    assert due(new.id) <= timezone.now()
    other = make.notification(project, ADDRESS, state="failed", reason="provider_error", cause="spamdetected")
    with django_capture_on_commit_callbacks(execute=True):
        put(project, "esp://postmark")
        resend(project, [other.id], by=UNDELIVERED)
    assert not begun


def test_resend_invite_asks_too_for_a_complaint_if_that_was_confirmed(says, begun, django_capture_on_commit_callbacks):
    project = make.project("IT")
    put(project, "esp://postmark")
    customer = make.customer(ADDRESS, of=project)
    with django_capture_on_commit_callbacks(execute=True):
        done = resend_invite(project, customer, by=UNDELIVERED, confirmed=True)
    assert done.notification is not None
    assert begun[0]["asked"] == {done.notification.id: ADDRESS}
    assert begun[0]["complaint"] is True


def test_what_goes_wrong_in_the_background_stops_nothing(begun, monkeypatch, caplog):
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(provider_lift, "ask", broken)
    row = make.notification(make.project("IT"), ADDRESS)
    provider_lift._ask_each(row.project, {row.id: ADDRESS}, UNDELIVERED, False)
    assert "could not be asked" in caplog.text


def due(id: Any) -> Any:
    return Notification.objects.get(id=id).due_at
