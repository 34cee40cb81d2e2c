"""Signing in and out, and the limit on guessing."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests import make
from undelivered.desk.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def mara():
    person = make.person("mara@desk.example", admin_of=make.project("IT"), name="Mara Lindqvist")
    person.set_password(PASSWORD)
    person.save()
    return person


def give(client: Client, password: str, **more: str):
    return client.post(reverse("sign-in"), {"username": "mara@desk.example", "password": password, **more})


def test_the_right_password_opens_the_projects(client, mara):
    answer = give(client, PASSWORD)
    assert answer.status_code == 302
    assert answer["Location"] == reverse("home")
    assert AuditEntry.objects.get().action == "person.signed_in"


def test_the_address_may_be_written_in_capitals(client, mara):
    answer = client.post(reverse("sign-in"), {"username": "Mara@Desk.example ", "password": PASSWORD})
    assert answer.status_code == 302


def test_a_wrong_password_says_that_both_do_not_belong_together(client, mara):
    answer = give(client, "wrong")
    assert answer.status_code == 200
    assert "Email and password do not belong together." in answer.text


def test_something_that_is_no_address_is_named(client, mara):
    answer = client.post(reverse("sign-in"), {"username": "mara", "password": "x"})
    assert "Enter an email address, such as name@example.com." in answer.text


def test_after_ten_wrong_passwords_even_the_right_one_waits(client, mara):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        answer = give(client, "wrong")
    assert answer.status_code == 429
    answer = give(client, PASSWORD)
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
    assert answer["Retry-After"] == "900"


def test_a_session_ends_with_the_browser_unless_asked_otherwise(client, mara):
    give(client, PASSWORD)
    assert client.session.get_expire_at_browser_close()
    client.logout()
    give(client, PASSWORD, remember="on")
    assert not client.session.get_expire_at_browser_close()


def test_after_signing_in_one_is_where_one_wanted_to_go(client, mara):
    answer = client.get("/p/IT/log/requests?reason=suppressed")
    assert answer["Location"] == "/sign-in?next=/p/IT/log/requests%3Freason%3Dsuppressed"
    answer = give(client, PASSWORD, next="/p/IT/log/requests?reason=suppressed")
    assert answer["Location"] == "/p/IT/log/requests?reason=suppressed"


def test_no_other_site_is_opened_after_signing_in(client, mara):
    assert give(client, PASSWORD, next="https://evil.example/")["Location"] == reverse("home")


def test_signing_out_takes_a_post(client, mara):
    give(client, PASSWORD)
    assert client.get(reverse("sign-out")).status_code == 405
    assert client.post(reverse("sign-out"))["Location"] == reverse("sign-in")
    assert client.get(reverse("home")).status_code == 302


def test_a_form_without_its_token_changes_nothing(mara):
    answer = Client(enforce_csrf_checks=True).post(reverse("sign-in"), {"username": "a@b.example", "password": "x"})
    assert answer.status_code == 403
    assert "The form is too old" in answer.text
