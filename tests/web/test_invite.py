"""Inviting: verdicts before anything is sent, and the truth about what was sent."""

import pytest
from django.urls import reverse

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import suppression
from undelivered.delivery.models import Notification, NotSent, Suppression
from undelivered.delivery.states import State
from undelivered.desk.actors import UNDELIVERED
from undelivered.rules.rules_of import change_rule, rules_of
from undelivered.web.pages.verdicts import Verdict

pytestmark = pytest.mark.django_db

LIST = """Eva Lorenz <eva@hafenkontor.example>
nils@fjord.example
lena,hoffmann@hafenkontor.example
printer@192.168.0.217
ann@northwind.example
priya@lumen.example
NILS@fjord.example"""


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture(autouse=True)
def agent(client, it):
    person = make.person(agent_of=it)
    client.force_login(person)
    return person


@pytest.fixture
def people(it):
    make.customer("priya@lumen.example", "Priya Nair", of=it)
    suppression.add(it, "ann@northwind.example", by=UNDELIVERED, cause=Cause.USER_UNKNOWN)


def post(client, addresses=LIST, do="look", **values):
    return client.post(reverse("customers-invite", args=["IT"]), {"addresses": addresses, "do": do, **values})


def invited():
    return sorted(Notification.objects.values_list("recipient", flat=True))


def test_every_address_gets_its_verdict_and_nothing_is_sent(client, people):
    answer = post(client)
    verdicts = [line.verdict for line in answer.context["judged"].lines]
    assert verdicts == [
        Verdict.NEW,
        Verdict.NEW,
        Verdict.INVALID,
        Verdict.PRIVATE,
        Verdict.BLOCKED,
        Verdict.AGAIN,
        Verdict.TWICE,
    ]
    assert "Perhaps lena.hoffmann@hafenkontor.example?" in answer.text
    assert "3 will be invited, 2 need a correction, 1 is blocked." in answer.text
    assert not Notification.objects.exists()


def test_the_verdicts_alone_answer_while_somebody_types(client):
    answer = client.post(reverse("customers-invite-look", args=["IT"]), {"addresses": "nils@fjord.example"})
    assert "Will be invited" in answer.text
    assert "<html" not in answer.text
    assert client.post(reverse("customers-invite-look", args=["IT"]), {"addresses": ""}).status_code == 200


def test_only_the_good_ones_are_invited_new_and_existing_alike(client, people):
    answer = post(client, do="send")
    assert invited() == ["eva@hafenkontor.example", "nils@fjord.example", "priya@lumen.example"]
    assert answer.status_code == 302
    assert "/customers/invited?" in answer.url


def test_faulty_ones_are_invited_only_when_asked_for_and_the_log_takes_them(client, people):
    post(client, do="send_all")
    assert "lena,hoffmann@hafenkontor.example" in invited()
    assert "printer@192.168.0.217" in invited()
    assert "ann@northwind.example" not in invited()


def test_a_block_is_lifted_when_its_box_is_checked(client, people):
    post(client, "ann@northwind.example", do="send", lift="ann@northwind.example")
    assert invited() == ["ann@northwind.example"]
    assert not Suppression.objects.exists()


def test_an_agents_box_lifts_no_complaint(client, it):
    suppression.add(it, "cy@northwind.example", by=UNDELIVERED, cause=Cause.FEEDBACK)
    post(client, "cy@northwind.example", do="send", lift="cy@northwind.example")
    assert Suppression.objects.exists()
    assert not Notification.objects.exists()


def test_when_nobody_can_be_invited_the_page_says_so(client, people):
    answer = post(client, "ann@northwind.example", do="send")
    assert "None of these addresses can be invited as it is." in answer.text
    assert not Notification.objects.exists()


def test_the_result_says_what_was_sent_and_what_was_not(client, people):
    where = post(client, do="send_all").url
    Notification.objects.filter(recipient="nils@fjord.example").update(state=State.SENT)
    Notification.objects.filter(recipient="printer@192.168.0.217").update(
        state=State.FAILED, reason="private_address", detail="It is private."
    )
    answer = client.get(where)
    assert answer.context["tally"].words == "1 sent, 3 on the way, 1 not sent"
    assert "It is private." in answer.text
    assert 'hx-trigger="every 2s"' in answer.text


def test_with_the_rule_off_the_result_says_that_nothing_was_sent(client, it):
    rule = next(rule for rule in rules_of(it) if rule.event == "customer_invited")
    change_rule(rule, by=UNDELIVERED, enabled=False)
    where = post(client, "nils@fjord.example", do="send").url
    assert NotSent.objects.exists()
    answer = client.get(where)
    assert answer.context["tally"].words == "1 not sent"
    assert "The notification is switched off" in answer.text


@pytest.mark.parametrize("query", [{}, {"first": "x", "last": "y"}, {"first": "0" * 32, "last": "f" * 32}])
def test_a_result_that_is_not_there_is_not_found(client, query):
    assert client.get(reverse("customers-invited", args=["IT"]), query).status_code == 404


def test_an_empty_list_and_an_endless_one_are_refused(client):
    assert post(client, "").status_code == 422
    answer = post(client, "\n".join(f"c{n}@a.example" for n in range(1001)), do="send")
    assert answer.status_code == 422
    assert "1,001 addresses" in answer.text
    assert not Notification.objects.exists()
