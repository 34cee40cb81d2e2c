"""Resending, against the database: today's template where the template was the matter, the same words elsewhere."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests import make
from undelivered.delivery.models import Content, Notification
from undelivered.desk.actors import By
from undelivered.desk.models import Customer, Project
from undelivered.rules import act
from undelivered.rules.models import Rule
from undelivered.rules.resend import resend
from undelivered.rules.rules_of import rules_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    return make.project("IT")


@pytest.fixture
def admin(project: Project) -> By:
    return By(person=make.person("mara@desk.example", name="Mara", admin_of=project))


def commented(project: Project, ann: Customer, by: By, *, body: str, reason: str) -> UUID:
    """A comment whose mail, made with the template `body`, failed for `reason`."""
    rules_of(project)
    Rule.objects.filter(project=project, event="public_comment_added").update(body=body)
    [made] = act.update_request(make.request(project, ann), comment="It is ready.", by=by).told
    Notification.objects.filter(id=made.id).update(state="failed", reason=reason, due_at=None)
    return made.id


def mend(project: Project, body: str) -> None:
    Rule.objects.filter(project=project).update(body=body)


def said(notification: Notification) -> Content:
    return Content.objects.get(id=notification.content_id)


@pytest.mark.parametrize("reason", ["internal_error", "template_too_large"])
def test_what_failed_because_of_its_template_is_rendered_with_todays(project: Project, admin: By, reason: str) -> None:
    failed = commented(project, make.customer(), admin, body="{% if %}", reason=reason)
    mend(project, "Mended: {{ comment.body }}")
    [new] = resend(project, [failed], by=admin).new
    assert "Mended: It is ready." in said(new).text
    assert said(new).error == ""
    assert dict(said(new).headers)["References"].startswith("<request.IT-1.")


def test_what_failed_for_another_reason_says_the_same_again(project: Project, admin: By) -> None:
    failed = commented(project, make.customer(), admin, body="Old: {{ comment.body }}", reason="provider_error")
    mend(project, "New: {{ comment.body }}")
    [new] = resend(project, [failed], by=admin).new
    assert "Old: It is ready." in said(new).text


def test_a_template_that_is_still_broken_fails_again_and_is_no_error_here(project: Project, admin: By) -> None:
    failed = commented(project, make.customer(), admin, body="{% if %}", reason="internal_error")
    [new] = resend(project, [failed], by=admin).new
    assert "Missing expression" in said(new).error


def test_recipients_who_shared_a_content_share_the_new_one(project: Project, admin: By) -> None:
    rules_of(project)
    mend(project, "{% if %}")
    request = make.request(project, participants=(make.customer(), make.customer()))
    told = act.update_request(request, comment="It is ready.", by=admin).told
    Notification.objects.update(state="failed", reason="internal_error", due_at=None)
    mend(project, "Mended")
    done = resend(project, [one.id for one in told], by=admin)
    assert len(done.new) == 3
    assert len({new.content_id for new in done.new}) == 1


def test_another_projects_notification_is_refused(project: Project, admin: By) -> None:
    failed = commented(project, make.customer(), admin, body="Hello", reason="internal_error")
    done = resend(make.project("HR"), [failed], by=admin)
    assert done.new == []
    assert list(done.refused) == [failed]


def test_a_test_mail_that_failed_is_resent_as_it_was(project: Project, admin: By) -> None:
    content = make.content(project, event="test", subject="Test")
    failed = make.notification(
        project, kind="account", event="test", content_id=content.id, state="failed", reason="internal_error"
    )
    [new] = resend(project, [failed.id], by=admin).new
    assert said(new).subject == "Test"


def test_a_corrected_address_that_is_another_customers_gets_their_links(project: Project, admin: By) -> None:
    wrong, right = make.customer("ann@nrthwind.example"), make.customer("ann@northwind.example", "Ann")
    failed = commented(project, wrong, admin, body="Hello", reason="provider_error")
    [new] = resend(project, [failed], by=admin, addresses={failed: " ann@northwind.example "}).new
    stored = Notification.objects.get(id=new.id)
    assert (stored.recipient, stored.customer_id, stored.recipient_name) == ("ann@northwind.example", right.pk, "Ann")
