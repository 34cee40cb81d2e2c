"""The audit log's page."""

import pytest
from django.urls import reverse

from tests import make
from undelivered.desk import audit
from undelivered.desk.actors import By
from undelivered.web.pages.audit import LIMIT, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def admin(client, it):
    person = make.person(admin_of=it, name="Mara Lindqvist")
    client.force_login(person)
    return person


def test_agents_are_kept_out(client, it):
    client.force_login(make.person(agent_of=it))
    assert client.get(reverse("audit", args=["IT"])).status_code == 403


def test_entries_say_who_did_what_to_what(client, it, admin):
    audit.record("suppression.lifted", by=By(person=admin), project=it, target="ann@northwind.example")
    audit.record("token.created", by=By(program="token Monitoring"), project=make.project("HR"), target="secret")
    text = client.get(reverse("audit", args=["IT"])).text
    assert "Took an address off the suppression list" in text
    assert "Mara Lindqvist" in text
    assert "secret" not in text


def test_more_entries_come_by_an_address(client, it, admin):
    for n in range(LIMIT + 1):
        audit.record("rule.tested", by=By(person=admin), project=it, target=f"test {n}")
    page = client.get(reverse("audit", args=["IT"]))
    assert len(page.context["rows"]) == LIMIT
    rest = client.get(reverse("audit", args=["IT"]) + page.context["more"])
    assert [entry.target for entry, _, _ in rest.context["rows"]] == ["test 0"]
    assert client.get(reverse("audit", args=["IT"]), {"before": "9" * 30}).status_code == 200


def test_details_are_said_in_words(it):
    entry = audit.record(
        "project.changed",
        by=By(),
        project=it,
        **{"daily_limit": [None, 100], "from": "open", "to": "resolved", "empty": "", "lifted": True},
    )
    assert words(entry) == [("changed", "open → resolved"), ("daily limit", "none → 100"), ("lifted", "yes")]
