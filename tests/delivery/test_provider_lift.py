"""Lifting a suppression asks the email services, too: which of them, what they said; and nothing waits for them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests import make
from undelivered.delivery import provider_lift, providers
from undelivered.delivery.provider_lift import Lifted, ask, ask_later
from undelivered.delivery.providers import FALLBACK
from undelivered.delivery.transports import esp_lists
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db
ADDRESS = "ann@northwind.example"


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each service says: a pair, or an exception; and whom it was asked about."""
    found: dict[str, Any] = {"asked": []}

    async def take_off(settings: Any, address: str) -> tuple[bool, str]:
        found["asked"].append((settings.esp.name, address))
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
    assert not provider_lift.lists_elsewhere(make.project("HR"))
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


def test_later_means_after_the_commit_each_address_once(says, monkeypatch, django_capture_on_commit_callbacks):
    done = []
    monkeypatch.setattr(provider_lift, "_in_background", lambda *known: done.append(known))
    project = make.project("IT")
    with django_capture_on_commit_callbacks(execute=True):
        ask_later(project, [ADDRESS], by=UNDELIVERED)  # there is nobody to ask
        put(project, "esp://postmark")
        ask_later(project, [ADDRESS, "bob@northwind.example", ADDRESS], by=UNDELIVERED)
        ask_later(project, [], by=UNDELIVERED)
        assert not done
    assert done == [(project, [ADDRESS, "bob@northwind.example"], UNDELIVERED)]


def test_in_the_background_one_after_the_other_is_asked_about(says, monkeypatch):
    monkeypatch.setattr(provider_lift.connections, "close_all", lambda: None)
    project = make.project("IT")
    put(project, "esp://postmark")
    provider_lift._ask_each(project, [ADDRESS, "bob@northwind.example"], UNDELIVERED)
    assert says["asked"] == [("postmark", ADDRESS), ("postmark", "bob@northwind.example")]
