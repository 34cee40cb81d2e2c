"""Customers: search, how each stands, Resend invite, and the correction of an address."""

import pytest
from django.urls import reverse
from django.utils import timezone

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import suppression
from undelivered.delivery.models import Notification, Suppression
from undelivered.delivery.states import State
from undelivered.desk import opt_outs
from undelivered.desk.actors import UNDELIVERED
from undelivered.desk.models import AuditEntry, ProjectCustomer
from undelivered.rules.rules_of import change_rule, rules_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def it():
    return make.project("IT")


@pytest.fixture
def agent(client, it):
    person = make.person(agent_of=it)
    client.force_login(person)
    return person


@pytest.fixture
def ann(it):
    return make.customer("ann@northwind.example", "Ann Keller", of=it)


def listed(client, **query):
    rows = client.get(reverse("customers", args=["IT"]), query).context["rows"]
    return [row.member.customer.address for row in rows]


def resend(client, customer, **values):
    return client.post(reverse("customer-resend", args=["IT", customer.pk]), values, follow=True)


def test_the_page_says_that_a_customer_wants_no_optional_mail(client, it, agent, ann):
    page = reverse("customer", args=["IT", ann.pk])
    assert "turned off all optional mail" not in client.get(page).text
    opt_outs.turn_project(it, ann, on=False)
    assert "Ann Keller turned off all optional mail" in client.get(page).text


def test_agents_may_open_it_and_outsiders_may_not(client, it, agent):
    assert client.get(reverse("customers", args=["IT"])).status_code == 200
    client.force_login(make.person(agent_of=make.project("HR")))
    assert client.get(reverse("customers", args=["IT"])).status_code == 404


def test_the_search_takes_the_start_of_an_address_or_name_and_a_domain(client, it, agent, ann):
    make.customer("bob@havn.example", "Bob Stone", of=it)
    for q in ("ann@", "ANN", "keller", "@northwind.example"):
        assert listed(client, q=q) == [ann.address], q
    assert listed(client, q="nobody") == []
    assert listed(client, q="ann\0@") == [ann.address]


def test_more_customers_come_by_an_address(client, it, agent):
    for _ in range(26):
        make.customer(of=it)
    page = client.get(reverse("customers", args=["IT"]))
    assert len(page.context["rows"]) == 25
    rest = client.get(reverse("customers", args=["IT"]) + page.context["more"])
    assert len(rest.context["rows"]) == 1


def test_a_blocked_customer_says_so_and_why(client, it, agent, ann):
    suppression.add(it, ann.address, by=UNDELIVERED, cause=Cause.USER_UNKNOWN)
    text = client.get(reverse("customers", args=["IT"])).text
    assert "Blocked since" in text
    assert suppression.cause_label(Cause.USER_UNKNOWN) in text


def test_a_failed_invitation_shows_until_the_customer_accepts(client, it, agent, ann):
    make.notification(
        it, ann.address, kind="invitation", state=State.FAILED, reason="unknown_error", due_at=None, customer=ann
    )
    assert "Invite failed" in client.get(reverse("customers", args=["IT"])).text
    ProjectCustomer.objects.update(accepted_at=timezone.now())
    make.notification(it, ann.address, state=State.SENT, due_at=None)
    assert "Invite failed" not in client.get(reverse("customers", args=["IT"])).text


def test_resend_invite_lifts_the_block_and_sends(client, it, agent, ann):
    suppression.add(it, ann.address, by=UNDELIVERED, cause=Cause.USER_UNKNOWN)
    answer = resend(client, ann)
    assert "off the suppression list, and the invitation is on its way" in answer.text
    assert not Suppression.objects.exists()
    assert Notification.objects.get().recipient == ann.address
    assert AuditEntry.objects.filter(action="customer.reinvited", person=agent).exists()


def test_after_a_complaint_resend_invite_asks_first(client, it, ann):
    client.force_login(make.person(admin_of=it))
    suppression.add(it, ann.address, by=UNDELIVERED, cause=Cause.FEEDBACK)
    assert "reported one of our mails as spam" in resend(client, ann).text
    assert Suppression.objects.exists()
    assert not Notification.objects.exists()
    resend(client, ann, confirmed="yes")
    assert not Suppression.objects.exists()
    assert Notification.objects.exists()


def test_a_complaint_is_nothing_that_an_agent_can_lift(client, it, agent, ann):
    suppression.add(it, ann.address, by=UNDELIVERED, cause=Cause.FEEDBACK)
    assert "Only an admin of IT Help can lift that." in resend(client, ann, confirmed="yes").text
    client.force_login(make.person(admin_of=it))
    Suppression.objects.update(project=None)
    assert "Only a site admin can lift that." in resend(client, ann, confirmed="yes").text
    assert Suppression.objects.exists()
    assert not Notification.objects.exists()


def test_a_customer_whose_last_mail_failed_is_not_called_active(client, it, agent, ann):
    make.notification(it, ann.address, state=State.FAILED, reason="unknown_error", due_at=None)
    assert "Last mail failed" in client.get(reverse("customers", args=["IT"])).text


def test_where_the_rule_is_off_the_page_says_that_nothing_was_sent(client, it, agent, ann):
    rule = next(rule for rule in rules_of(it) if rule.event == "customer_invited")
    change_rule(rule, by=UNDELIVERED, enabled=False)
    assert f"No invitation was sent to {ann.address}" in resend(client, ann).text
    assert not Notification.objects.exists()


def test_another_projects_customer_cannot_be_resent_to(client, agent):
    assert resend(client, make.customer(of=make.project("HR"))).status_code == 404


def test_a_wrong_address_is_corrected(client, it, agent):
    lena = make.customer("lena,hoffmann@hafenkontor.example", of=it)
    where = reverse("customer", args=["IT", lena.pk])
    assert "lena.hoffmann@hafenkontor.example" in client.get(where).text
    answer = client.post(where, {"address": "lena.hoffmann@hafenkontor.example"}, follow=True)
    lena.refresh_from_db()
    assert lena.address == "lena.hoffmann@hafenkontor.example"
    assert "is now lena.hoffmann@hafenkontor.example" in answer.text


@pytest.mark.parametrize("wrong", ["", "lena.hoffmann", "lena@10.0.0.1", "a@b.example\nBcc: c@d.example"])
def test_a_correction_that_is_no_correction_is_refused(client, it, agent, ann, wrong):
    answer = client.post(reverse("customer", args=["IT", ann.pk]), {"address": wrong})
    assert answer.status_code == 422
    assert answer.context["form"].errors["address"]
    ann.refresh_from_db()
    assert ann.address == "ann@northwind.example"
