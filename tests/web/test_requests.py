"""Requests: the list with its search, and the form for a new one."""

import pytest
from django.urls import reverse

from tests import make
from undelivered.delivery.models import Notification
from undelivered.delivery.states import State
from undelivered.desk.models import Request, Status

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def agent(client, it):
    person = make.person(agent_of=it)
    client.force_login(person)
    return person


def listed(client, **query):
    return [row.request.issue_key for row in client.get(reverse("requests", args=["IT"]), query).context["rows"]]


def test_signed_out_people_sign_in_first(client, it):
    assert client.get(reverse("requests", args=["IT"])).status_code == 302


def test_another_projects_requests_look_like_none(client, agent):
    make.project("HR")
    assert client.get(reverse("requests", args=["HR"])).status_code == 404


def test_requests_are_listed_newest_first_and_only_the_projects_own(client, it, agent):
    made = [make.request(it) for _ in range(3)]
    make.request(make.project("HR"))
    assert listed(client) == [one.issue_key for one in reversed(made)]


def test_the_search_takes_a_key_a_number_an_address_or_words(client, it, agent):
    ann = make.customer("ann@northwind.example", "Ann Keller")
    first = make.request(it, ann, summary="Laptop does not start")
    second = make.request(it, make.customer("bob@havn.example"), summary="Printer jam")
    for q in (first.issue_key, first.issue_key.lower(), "1", "ANN@north", "laptop", "Ann K"):
        assert listed(client, q=q) == [first.issue_key], q
    assert listed(client, q="printer") == [second.issue_key]
    assert listed(client, q="nothing like it") == []
    assert listed(client, q="lap\0top") == [first.issue_key]


def test_the_status_filter_and_the_search_add_up(client, it, agent):
    make.request(it, summary="Laptop")
    done = make.request(it, summary="Laptop", status=Status.RESOLVED)
    assert listed(client, status="resolved", q="laptop") == [done.issue_key]
    assert len(listed(client, status="no such status")) == 2


def test_more_rows_come_by_an_address_that_keeps_the_filters(client, it, agent):
    for _ in range(26):
        make.request(it, summary="Laptop")
    page = client.get(reverse("requests", args=["IT"]), {"q": "laptop"})
    assert len(page.context["rows"]) == 25
    rest = client.get(reverse("requests", args=["IT"]) + page.context["more"])
    assert [row.request.issue_key for row in rest.context["rows"]] == ["IT-1"]
    assert not rest.context["more"]
    assert client.get(reverse("requests", args=["IT"]), {"before": "x" * 40}).status_code == 200


def test_a_request_whose_mails_failed_shows_how_many(client, it, agent):
    one = make.request(it)
    make.notification(it, issue_key=one.issue_key, state=State.FAILED, reason="provider_error", due_at=None)
    make.notification(it, issue_key=one.issue_key, state=State.SENT, due_at=None)
    assert "1 not reached" in client.get(reverse("requests", args=["IT"])).text


def test_a_new_request_is_opened_and_its_reporter_is_told(client, it, agent):
    answer = client.post(
        reverse("requests-new", args=["IT"]),
        {
            "summary": "Laptop does not start",
            "description": "Black screen.",
            "reporter": "Ann Keller <ann@northwind.example>",
            "participants": "petra@northwind.example\nnils@fjord.example",
        },
    )
    made = Request.objects.get()
    assert answer.url == reverse("request", args=["IT", made.issue_key])
    assert made.reporter.name == "Ann Keller"
    assert made.participants.count() == 2
    assert Notification.objects.filter(recipient="ann@northwind.example", event="request_created").exists()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"summary": ""}, "summary"),
        ({"summary": "one\ntwo"}, "summary"),
        ({"reporter": ""}, "reporter"),
        ({"reporter": "a@a.example, b@b.example"}, "reporter"),
        ({"url": "javascript:alert(1)"}, "url"),
    ],
)
def test_bad_input_names_its_field_and_changes_nothing(client, it, agent, values, field):
    good = {"summary": "Laptop", "reporter": "ann@northwind.example"}
    answer = client.post(reverse("requests-new", args=["IT"]), {**good, **values})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Request.objects.exists()
