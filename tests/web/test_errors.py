"""What is shown when something goes wrong: always a page of ours, never the insides."""

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from tests import make
from undelivered.desk import access

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    person = make.person(admin_of=make.project("IT"))
    client.force_login(person)
    return person


def breaks_with(monkeypatch, error):
    def broken(*args):
        raise error

    monkeypatch.setattr(access, "projects_of", broken)


def test_an_address_that_leads_nowhere_is_a_page_of_ours(client):
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "urlpatterns" not in answer.text


@pytest.mark.parametrize(
    "error", [OperationalError("no route to 10.0.0.7"), InterfaceError("connection already closed")]
)
def test_while_the_database_is_away_pages_say_so_and_try_again(client, admin, monkeypatch, error):
    breaks_with(monkeypatch, error)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "The database cannot be reached at the moment. Nothing is lost" in answer.text
    assert "10.0.0.7" not in answer.text
    assert answer["Retry-After"] == "30"
    assert 'http-equiv="refresh"' in answer.text


def test_the_database_may_go_away_while_a_session_is_saved(admin, monkeypatch):
    client = Client(raise_request_exception=False)
    client.force_login(admin)

    def broken(*args):
        raise OperationalError("gone")

    monkeypatch.setattr("django.contrib.sessions.middleware.SessionMiddleware.process_response", broken)
    assert client.get("/").status_code == 503


def test_a_bug_shows_nothing_of_its_insides(admin, monkeypatch):
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    breaks_with(monkeypatch, RuntimeError("secret detail"))
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


def test_the_theme_holds_on_error_pages_too(client):
    client.cookies["undelivered_theme"] = "dark"
    assert 'data-theme="dark"' in client.get("/nowhere").text
    client.cookies["undelivered_theme"] = '"><script>'
    assert "<script>" not in client.get("/nowhere").text


def test_every_answer_carries_the_policy_that_forbids_inline_scripts_and_styles(client, admin):
    for path in ("/", "/nowhere", "/p/IT/log/requests"):
        policy = client.get(path)["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy


def test_no_page_has_inline_scripts_or_styles(client, admin):
    for path in ("/", "/nowhere", "/p/IT/log/requests", "/p/IT/log/invitations?state=all"):
        shown = client.get(path).text
        assert " style=" not in shown
        assert "<style" not in shown
        assert " onclick=" not in shown
        assert "<script>" not in shown


def test_something_that_is_no_id_is_a_404(client, admin):
    assert client.get("/p/IT/notifications/not-an-id").status_code == 404
