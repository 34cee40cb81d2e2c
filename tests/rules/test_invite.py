"""Invitations, against the database: everybody invited hears of it, and the answer is the truth."""

from __future__ import annotations

import pytest

from tests import make
from undelivered.bounces import Cause
from undelivered.delivery import suppression
from undelivered.delivery.models import Content, Kind, Notification, Suppression
from undelivered.desk import opt_outs
from undelivered.desk.actors import By
from undelivered.desk.bad_input import BadInput
from undelivered.desk.models import AuditEntry, Customer, Project, ProjectCustomer
from undelivered.rules.invite import Invitee, invite, resend_invite
from undelivered.rules.models import Rule
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT", name="IT Help")


@pytest.fixture
def admin(project: Project) -> By:
    return By(person=make.person("mara@desk.example", name="Mara Lindqvist", admin_of=project))


def switch_off(project: Project) -> None:
    rules_of(project)
    Rule.objects.filter(project=project, event="customer_invited").update(enabled=False)


def test_new_and_existing_customers_get_the_same_invitation(project: Project, admin: By) -> None:
    known = make.customer("ann@northwind.example", of=project)
    invited = invite(project, [Invitee("ann@northwind.example"), Invitee("bo@northwind.example", "Bo")], by=admin)
    assert [(one.customer.address, one.existing) for one in invited] == [
        ("ann@northwind.example", True),
        ("bo@northwind.example", False),
    ]
    assert invited[0].customer == known
    assert all(one.notification and one.notification.kind == Kind.INVITATION for one in invited)
    assert Content.objects.count() == 1
    assert Content.objects.get().subject == "You are invited to IT Help"


def test_a_rule_that_is_off_is_said_and_not_hidden(project: Project, admin: By) -> None:
    switch_off(project)
    [invited] = invite(project, [Invitee("ann@northwind.example")], by=admin)
    assert invited.notification is None
    assert invited.not_sent is not None
    assert invited.not_sent.cause == "rule_off"
    assert not Notification.objects.exists()


def test_an_invitation_reaches_whoever_turned_the_projects_mail_off(project: Project, admin: By) -> None:
    opt_outs.turn_project(project, make.customer("ann@northwind.example", of=project), on=False)
    [invited] = invite(project, [Invitee("ann@northwind.example")], by=admin)
    assert invited.notification is not None


def test_an_address_that_no_mail_can_reach_is_invited_and_the_log_shows_what_comes_of_it(
    project: Project, admin: By
) -> None:
    [one, two] = invite(project, [Invitee("ann.northwind.example"), Invitee("bo@192.168.0.217")], by=admin)
    assert [one.notification and one.notification.recipient, two.notification and two.notification.recipient] == [
        "ann.northwind.example",
        "bo@192.168.0.217",
    ]


def test_two_spellings_of_one_address_are_one_invitation(project: Project, admin: By) -> None:
    invited = invite(project, [Invitee("Ann@Northwind.example", "Ann"), Invitee(" ann@northwind.example ")], by=admin)
    assert [one.invitee for one in invited] == [Invitee("Ann@Northwind.example", "Ann")]
    assert Notification.objects.count() == Customer.objects.count() == 1


@pytest.mark.parametrize("address", ["", "  ", "x" * 1001, "ann@x.example\r\nBcc: eve@evil.example", "a\0b@x.example"])
def test_an_address_that_nothing_could_hold_is_refused_and_nobody_is_invited(
    project: Project, admin: By, address: str
) -> None:
    with pytest.raises(BadInput) as caught:
        invite(project, [Invitee("bo@northwind.example"), Invitee(address)], by=admin)
    assert list(caught.value.fields) == ["customers"]
    assert not Customer.objects.exists()


def test_inviting_nobody_is_refused(project: Project, admin: By) -> None:
    with pytest.raises(BadInput):
        invite(project, [], by=admin)


def test_an_agent_who_invites_their_own_address_gets_the_mail(project: Project, admin: By) -> None:
    [invited] = invite(project, [Invitee("mara@desk.example")], by=admin)
    assert invited.notification is not None


def test_an_invitation_names_who_invites_and_leaves_name_and_link_to_the_sending(project: Project, admin: By) -> None:
    invite(project, [Invitee("ann@northwind.example", "Ann")], by=admin)
    content = Content.objects.get()
    assert "Mara Lindqvist has invited you" in content.text
    assert "Hello \ue000recipient.name\ue001," in content.text
    assert 'href="\ue000invitation.url\ue001"' in content.html
    assert "notifications_off" not in content.html


def test_a_resent_invitation_takes_the_address_off_the_suppression_list(project: Project, admin: By) -> None:
    ann = make.customer("ann@northwind.example", of=project)
    suppression.add(project, ann.address, by=admin, cause=Cause.USER_UNKNOWN.value)
    invited = resend_invite(project, ann, by=admin)
    assert invited.notification is not None
    assert invited.existing
    assert not Suppression.objects.exists()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["suppression.lifted", "customer.reinvited"]


def test_a_complaint_is_lifted_only_when_that_is_confirmed(project: Project, admin: By) -> None:
    ann = make.customer("ann@northwind.example", of=project)
    suppression.add(project, ann.address, by=admin, cause=Cause.FEEDBACK.value)
    with pytest.raises(suppression.NeedsConfirmation):
        resend_invite(project, ann, by=admin)
    assert Suppression.objects.exists()
    assert not Notification.objects.exists()
    assert resend_invite(project, ann, by=admin, confirmed=True).notification is not None


def test_inviting_notes_when_and_the_audit_log_names_everyone(project: Project, admin: By) -> None:
    invite(project, [Invitee("ann@northwind.example"), Invitee("bo@northwind.example")], by=admin)
    assert all(row.invited_at for row in ProjectCustomer.objects.all())
    targets = AuditEntry.objects.filter(action="customer.invited").values_list("target", flat=True)
    assert set(targets) == {"ann@northwind.example", "bo@northwind.example"}


def test_a_hundred_invitations_are_one_content_and_few_queries(
    project: Project, admin: By, django_assert_max_num_queries: object
) -> None:
    rules_of(project)
    invitees = [Invitee(f"customer{n}@northwind.example") for n in range(100)]
    with django_assert_max_num_queries(120):  # type: ignore[operator]
        assert len(invite(project, invitees, by=admin)) == 100
    assert Content.objects.count() == 1
