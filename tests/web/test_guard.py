"""Who may open a page: the same three answers for every page of a project."""

import pytest
from django.test import Client
from django.urls import reverse
from django.urls.converters import IntConverter

from tests import make
from undelivered.web.urls import urlpatterns

pytestmark = pytest.mark.django_db
#: Pages for agents too; every other page of a project is for its admins alone.
FOR_MEMBERS = {
    "notification",
    "requests",
    "requests-new",
    "request",
    "request-reply",
    "request-plan",
    "request-notified",
}
FOR_MEMBERS |= {"request-comment"}
VALUES = {
    "id": "01a205ec-75c1-7000-901d-895d6d22565f",
    "issue_key": "IT-1",
    "event": "request_created",
}
OF_A_PROJECT = [pattern for pattern in urlpatterns if str(pattern.pattern).startswith("p/")]


def address(pattern, key="IT"):
    kinds = pattern.pattern.converters.items()
    values = {name: 1 if isinstance(kind, IntConverter) else VALUES.get(name, key) for name, kind in kinds}
    return reverse(pattern.name, kwargs=values)


@pytest.fixture(params=OF_A_PROJECT, ids=lambda pattern: pattern.name)
def pattern(request):
    return request.param


def both(client: Client, where: str):
    return client.get(where), client.post(where)


def test_signed_out_people_sign_in_first(client, pattern):
    make.project("IT")
    for answer in both(client, address(pattern)):
        assert answer.status_code in (302, 405)
        assert answer.status_code == 405 or answer["Location"].startswith("/sign-in?next=")


def test_members_of_another_project_see_nothing(client, pattern):
    make.project("IT")
    client.force_login(make.person(admin_of=make.project("HR")))
    for answer in both(client, address(pattern)):
        assert answer.status_code in (404, 405)


def test_agents_open_requests_and_customers_only(client, pattern):
    client.force_login(make.person(agent_of=make.project("IT")))
    for_agents = pattern.name in FOR_MEMBERS or pattern.name.startswith("customer")
    for answer in both(client, address(pattern)):
        if for_agents:
            assert answer.status_code != 403 or pattern.name.startswith("customer")
        else:
            assert answer.status_code in (403, 405)


def test_a_part_of_a_page_asked_for_after_the_session_ended_leads_to_the_sign_in(client):
    make.project("IT")
    answer = client.get(
        "/p/IT/log/requests",
        headers={
            "HX-Request": "true",
            "HX-Target": "results",
            "HX-Current-URL": "http://testserver/p/IT/log/requests?reason=suppressed",
        },
    )
    assert answer["HX-Redirect"] == "/sign-in?next=/p/IT/log/requests%3Freason%3Dsuppressed"


def test_a_person_who_is_switched_off_is_signed_out(client):
    person = make.person(admin_of=make.project("IT"))
    client.force_login(person)
    person.is_active = False
    person.save()
    assert client.get("/p/IT/log/requests").status_code == 302


def test_a_key_may_be_written_small(client):
    client.force_login(make.person(admin_of=make.project("IT")))
    assert client.get("/p/it/log/requests").status_code == 200
